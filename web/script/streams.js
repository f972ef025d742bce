/* What stands around the views: streams, notes, findings, counts. */

let overview = null; /* of the capture that is open */

function makeStreamRow(stream, index, rows) {
	const isChosen = index + 1 === ladder.stream;
	const element = make('div', {
		class: 'stream', role: 'option', 'aria-selected': String(isChosen), 'data-stream': index + 1,
		'data-row': index, id: rows.rowId(index), 'aria-setsize': rows.count, 'aria-posinset': index + 1,
	}, make('span', {class: 'number'}, index), make('span', {class: 'kind'}, stream.kind),
	make('span', {class: 'client'}, stream.client), make('span', {class: 'to'}, '→'),
	make('span', {class: 'server'}, stream.server),
	make('span', {class: 'count'}, stream.packets ? plural(stream.packets, 'packet') : 'no packets'));
	element.style.top = `${index * STREAM_ROW}px`;
	return element;
}

const STREAM_ROW = 24;

function startStreams() {
	const list = new Rows({
		id: 'stream-row', role: 'listbox', label: 'Streams', class: 'streams', rowHeight: STREAM_ROW,
		draw: (rows, indices, has) => [null, new Map(indices.filter((index) => !has(index)).map((index) =>
			[index, makeStreamRow(overview.streams[index], index, rows)]))],
		empty: () => make('p', {class: 'nothing'}, 'no streams'),
		open: (index) => chooseStream(index + 1),
		pick: (index) => { if (index + 1 !== ladder.stream) chooseStream(index + 1); },
	});
	streams.list = list;
	byId('streams').append(list.element);
}

const streams = {list: null};

function showStreams() {
	const count = overview.streams.length;
	byId('streams').hidden = count === 0;
	streams.list.element.style.height = `${Math.min(count, 6) * STREAM_ROW + 2}px`;
	streams.list.setRows(count);
}

function chooseStream(number) {
	buildLadder(number);
	streams.list.chosen = number - 1;
	streams.list.reveal(false);
	streams.list.redraw();
	ladder.list.element.scrollTop = 0;
	showAccount();
	drawTabs();
}

function stepStream(step) {
	const number = ladder.stream + step;
	if (overview && number >= 1 && number <= overview.streams.length)
		chooseStream(number);
}

/* The sentences about a stream of which there are packets alone. */
function showAccount() {
	const stream = overview.streams[ladder.stream - 1];
	const place = byId('account');
	place.textContent = stream && stream.account || '';
	place.hidden = !place.textContent;
}

function showNotes() {
	byId('notes').replaceChildren(...overview.notes.map((note) => make('p', {class: `note ${note.severity}`},
		make('b', {}, `${note.severity}: `), note.text, note.hint ? make('span', {class: 'dim'}, ` ${note.hint}`) : null)));
}

function makeFinding(finding) {
	const evidence = [
		...finding.statements.map((it) => makeJump(it.label, {statement: it.statement, stream: finding.stream})),
		...finding.packets.map((packet) => makeJump(`packet ${packet}`, {packet, stream: finding.stream})),
	];
	return make('article', {class: `finding ${finding.severity}`}, make('h3', {}, finding.head),
		make('div', {class: 'evidence'}, evidence), make('p', {}, finding.why), make('p', {class: 'do'}, finding.do));
}

function makeFindings() {
	if (!overview.findings.length)
		return [make('p', {class: 'nothing'}, 'Nothing was found that went wrong.')];
	return overview.findings.map(makeFinding);
}
