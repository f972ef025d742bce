/* The ladder: two lanes, bars, arrows, and the words beside them.
 *
 * Rows come from the C half.  In order, each has a line of its own; by time, its place is
 * its time, and words that would lie upon each other are left out until one comes near. */

const TIME_WIDTH = 76;
const BAR_WIDTH = 9;
const GAP_HEIGHT = 26;
const LANE_BEYOND = 4000; /* pixels: what lies out of sight is cut off */
const FOLD_MS = 100;
const MOST_HEIGHT = 8000000; /* pixels that browsers still place well */
const ZOOMS = [16, 18, 20, 22, 26, 30, 36];

const ladder = {
	stream: 0,
	isLinear: false,
	allAcks: false,
	isFolded: true,
	zoom: 3,
	timeZoom: 1,
	lanes: [],
	times: null,
	list: null,
};

function startLadder() {
	ladder.list = new Rows({
		id: 'row', role: 'listbox', label: 'Ladder', class: 'ladder', rowHeight: ZOOMS[ladder.zoom],
		headHeight: 40, indices: rowsToDraw, draw: drawLadder, empty: () => make('p', {class: 'nothing'}, emptyLadderText()),
		open: openLadderRow, pick: pickLadderRow,
	});
	ladder.head = make('div', {class: 'lanes', 'aria-hidden': 'true'});
	ladder.list.element.prepend(ladder.head);
}

/* Builds the rows of a stream anew, and keeps what was chosen. */
function buildLadder(stream) {
	const chosen = stream === ladder.stream ? chosenThing() : null;
	ladder.stream = stream;
	const said = !stream ? {lanes: [], acks_folded: 0}
		: ladder.isFolded && ladder.isLinear ? askLadder(findFold(askLadder(0).rows))
		: askLadder(ladder.isFolded ? FOLD_MS : 0);
	ladder.lanes = said.lanes;
	ladder.acksFolded = said.acks_folded;
	placeRows(said.rows || 0);
	drawLanes();
	if (chosen)
		chooseThing(chosen);
}

function askLadder(foldMs) {
	if (rooms.exports.page_ladder(ladder.stream, ladder.allAcks ? 1 : 0, foldMs) < 0)
		throw new Error('there is no memory for the ladder');
	return answer();
}

const timesOf = (count) => count ? new Float64Array(rooms.exports.memory.buffer,
	rooms.exports.page_times(), count).slice() : new Float64Array(0);

/* On a scale of time the longest pauses would leave no room for all else: folded are those
 * that are more than a third of what remains without them; 0: none. */
function findFold(count) {
	const times = timesOf(count), pauses = [];
	let whole = 0, fold = 0;
	for (let i = 1; i < count; i++) {
		pauses.push(times[i] - times[i - 1]);
		whole += times[i] - times[i - 1];
	}
	pauses.sort((a, b) => b - a);
	for (const pause of pauses.slice(0, -2)) {
		if (pause * 3 <= whole)
			break;
		fold = pause * 0.999; /* folded is what is longer */
		whole -= pause;
	}
	return fold;
}

/* After a filter: the same ladder with other rows. */
function refreshLadder() {
	if (ladder.stream)
		buildLadder(ladder.stream);
}

function placeRows(count) {
	const list = ladder.list;
	list.rowHeight = ZOOMS[ladder.zoom];
	list.element.style.setProperty('--row', `${list.rowHeight}px`);
	list.element.classList.toggle('linear', ladder.isLinear);
	ladder.times = timesOf(count);
	if (ladder.isLinear)
		placeByTime(list, count);
	else
		list.setRows(count);
}

/* A height for each row; where idle time is folded, the fold has a height of its own. */
function placeByTime(list, count) {
	const times = ladder.times, positions = new Float64Array(count);
	let spent = 0, folds = 0;
	for (let i = 1; i < count; i++) {
		if (Number.isNaN(times[i]))
			folds++;
		else if (!Number.isNaN(times[i - 1]))
			spent += times[i] - times[i - 1];
	}
	const wanted = Math.min(MOST_HEIGHT, count * list.rowHeight * ladder.timeZoom);
	const scale = spent > 0 ? wanted / spent : 0;
	let y = 4;
	for (let i = 0; i < count; i++) {
		if (i > 0 && (Number.isNaN(times[i]) || Number.isNaN(times[i - 1])))
			y += GAP_HEIGHT;
		else if (i > 0)
			y += (times[i] - times[i - 1]) * scale;
		positions[i] = y;
	}
	list.setRows(count, positions, y + 2 * list.rowHeight);
}

/* ---- what is chosen ---- */

function rowAt(index) {
	return askRows([index]).rows[0];
}

function chosenThing() {
	if (ladder.list.chosen < 0 || ladder.list.chosen >= ladder.list.count)
		return null;
	const row = rowAt(ladder.list.chosen);
	return row && (row.packet ? {packet: row.packet} : {statement: row.statement});
}

/* False: it is not among the rows. */
function chooseThing(thing) {
	const row = thing.packet ? rooms.exports.page_row_of_packet(thing.packet)
		: rooms.exports.page_row_of_statement(thing.statement || 0);
	ladder.list.chosen = -1;
	if (row < 0)
		return false;
	ladder.list.choose(row, true);
	return true;
}

function openLadderRow(index, isWanted) {
	const row = rowAt(index);
	if (row.packet)
		showPacket(row.packet, isWanted);
	else if (row.statement)
		showStatement(row.statement, isWanted);
}

/* Once the details are open they follow the choice. */
function pickLadderRow(index) {
	if (detail.isOpen)
		openLadderRow(index);
}

/* ---- drawing ---- */

/* Where the lanes stand in a window of that width. */
function layOut(width) {
	const between = Math.max(120, Math.min(320, Math.round(width * 0.26)));
	const side = Math.max(40, (width - TIME_WIDTH - between) / 2);
	const left = TIME_WIDTH + side;
	return {width, lanes: [left, left + between], middle: left + between / 2, between};
}

function drawLanes() {
	const {lanes} = layOut(ladder.list.element.clientWidth);
	ladder.head.replaceChildren();
	ladder.lanes.forEach((lane, i) => {
		const name = make('div', {class: `lane-name lane-${i}`},
			make('b', {}, lane.program || 'not traced'), make('span', {}, lane.address));
		if (i === 0) {
			name.style.left = `${TIME_WIDTH}px`;
			name.style.width = `${lanes[0] - TIME_WIDTH - 10}px`;
		} else {
			name.style.left = `${lanes[1] + 12}px`;
			name.style.right = '8px';
		}
		ladder.head.append(name);
	});
}

/* Rows that would lie within two pixels of the one before are not drawn. */
function rowsToDraw(list, indices) {
	let before = -Infinity;
	return !list.positions ? indices : indices.filter((i) => {
		const y = list.top(i), isDrawn = y - before >= 2 || i === list.chosen;
		before = isDrawn ? y : before;
		return isDrawn;
	});
}

function drawLadder(list, indices, has) {
	const place = layOut(list.element.clientWidth);
	const isSame = ladder.width === place.width;
	if (!isSame) {
		ladder.width = place.width;
		drawLanes();
	}
	/* By time, which words have room depends on what else is drawn. */
	const keeps = isSame && !list.positions ? has : () => false;
	return drawRows(list, indices, place, (i) => list.top(i), keeps, true);
}

function emptyLadderText() {
	if (!ladder.stream)
		return 'There is no stream in this capture: the other views show what it has.';
	return filter.text ? 'The filter lets nothing of this stream through.' : 'Nothing happened here.';
}

/* The picture of those rows, whose tops the function tells, and the elements that are not
 * there yet. */
function drawRows(list, indices, place, topOf, has, isInteractive) {
	const said = askRows(indices);
	const tops = new Map(indices.map((i) => [i, topOf(i)]));
	const top = tops.get(indices[0]), bottom = tops.get(indices[indices.length - 1]) + list.rowHeight;
	const picture = draw('svg', {
		class: 'picture', 'aria-hidden': 'true', width: place.width, height: bottom - top,
		viewBox: `0 ${top} ${place.width} ${bottom - top}`,
	});
	picture.style.top = `${top}px`;
	for (const x of place.lanes)
		picture.append(draw('path', {class: 'lane', d: `M${x} ${top - LANE_BEYOND}V${bottom + LANE_BEYOND}`}));
	const yOf = (i) => tops.has(i) ? tops.get(i) : i < indices[0] ? top - 99 : bottom + 99;
	for (const bar of said.bars)
		drawBar(picture, list, place, bar, list.positions ? (i) => list.top(i) : yOf);
	const elements = new Map(), crowd = {left: -99, right: -99, middle: -99, time: -99};
	const shapes = new Map();
	for (const row of said.rows) {
		const y = tops.get(row.row);
		addArrow(shapes, list, place, row, y);
		if (!has(row.row))
			elements.set(row.row, drawWords(list, place, row, y, crowd, isInteractive));
	}
	for (const [kind, path] of shapes)
		picture.append(draw('path', {class: kind, d: path}));
	return [picture, elements];
}

/* The line on which a row's event lies. */
const eventY = (list, top) => Math.round(top + list.rowHeight * 0.64) + 0.5;

function drawBar(picture, list, place, [lane, from, to, statement, isBlocked, depth], topOf) {
	const x = place.lanes[lane] - BAR_WIDTH / 2 + (lane ? 1 : -1) * Math.min(depth, 6) * 5;
	const top = eventY(list, topOf(from)) - 4, bottom = eventY(list, topOf(to)) + 4;
	picture.append(draw('rect', {
		class: `bar lane-${lane}${isBlocked ? ' blocked' : ''}${statement === shownStatement() ? ' chosen' : ''}`,
		x: Math.round(x) + 0.5, y: top, width: BAR_WIDTH - 1, height: Math.max(bottom - top, 4), rx: 1.5,
	}));
}

/* Arrows of a kind are one path: shapes gathers them. */
function addArrow(shapes, list, place, row, top) {
	if (row.kind !== 'packet' && row.kind !== 'pass')
		return;
	const y = eventY(list, top), sign = row.to > row.lane ? 1 : -1;
	const edge = BAR_WIDTH / 2 + 1;
	const from = place.lanes[row.lane] + sign * edge, to = place.lanes[row.to] - sign * edge;
	const kind = `${row.error ? 'reset' : `lane-${row.lane}`}${row.kind === 'pass' ? ' pass' : ''}`;
	const tip = row.completed ? to - sign * 4 : to;
	const add = (name, path) => shapes.set(name, (shapes.get(name) || '') + path);
	add(`arrow ${kind}`, `M${from} ${y}H${tip - sign * 6}`);
	add(`head ${kind}`, `M${tip} ${y}l${-sign * 8} -4v8z`);
	if (row.completed)
		add('dot', `M${place.lanes[row.to] - 4.5} ${y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0`);
}

/* By time, words that have no room are shown when the row is pointed at. */
function isCrowded(crowd, side, y, isLinear) {
	const crowded = isLinear && y - crowd[side] < 15;
	if (!crowded)
		crowd[side] = y;
	return crowded ? ' crowded' : '';
}

function sideOf(row) {
	if (row.kind === 'packet' || row.kind === 'pass' || row.kind === 'gap')
		return 'middle';
	return row.lane ? 'right' : 'left';
}

function drawWords(list, place, row, y, crowd, isInteractive) {
	const side = sideOf(row), isLinear = Boolean(list.positions);
	const isChosen = isInteractive && row.row === list.chosen;
	const words = make('span', {
		class: `words ${side}${row.error ? ' error' : ''}${isCrowded(crowd, side, y, isLinear)}`,
		title: row.words,
	}, row.words);
	const element = make('div', {
		class: `row ${row.kind}${isChosen ? ' chosen' : ''}`, 'data-row': row.row,
		id: isInteractive ? list.rowId(row.row) : undefined,
		role: 'option', 'aria-selected': String(isChosen), 'aria-label': describeRow(row),
		'aria-setsize': list.count, 'aria-posinset': row.row + 1,
	}, make('span', {class: `time${isCrowded(crowd, 'time', y, isLinear)}`}, row.ms || '⋮'), words);
	element.style.top = `${y}px`;
	if (side === 'left')
		words.style.cssText = `left:${TIME_WIDTH}px;width:${place.lanes[0] - TIME_WIDTH - 14}px`;
	else if (side === 'right')
		words.style.cssText = `left:${place.lanes[1] + 14}px;right:6px`;
	else
		words.style.cssText = `left:${place.lanes[0] + 12}px;width:${place.between - 24}px`;
	return element;
}

/* For those who do not see where it stands. */
function describeRow(row) {
	const names = ladder.lanes.map((lane) => lane.program || lane.address);
	const kinds = {begin: 'enters', end: 'comes back', whole: 'at once'};
	if (row.kind === 'gap')
		return row.words;
	if (row.kind === 'packet' || row.kind === 'pass')
		return `${row.kind === 'packet' ? 'packet' : 'without a packet'} ${row.words} from ${names[row.lane]}`
			+ ` to ${names[row.to]}${row.completed ? `, completes ${row.completed_label}` : ''}`;
	return `${names[row.lane]} line ${row.words}, ${kinds[row.kind]} at ${row.ms} ms`;
}
