/* The pane beside the view: one packet, or one statement, in full. */

const detail = {
	isOpen: false,
	packet: 0,
	statement: 0,
	opener: null, /* what had the focus */
};

const shownStatement = () => detail.isOpen ? detail.statement : 0;

function openDetail(title, children, isWanted) {
	const pane = byId('detail');
	const close = makeButton('×', {class: 'close', 'aria-label': 'Close details', title: 'Close (Escape)'},
		closeDetail);
	pane.replaceChildren(make('div', {class: 'detail-head'}, make('h2', {}, title), close), ...children);
	pane.scrollTop = 0;
	if (!detail.isOpen) {
		detail.isOpen = true;
		pane.hidden = false;
	}
	if (isWanted) {
		detail.opener = document.activeElement;
		pane.focus();
	}
	ladder.list.redraw();
}

function closeDetail() {
	if (!detail.isOpen)
		return false;
	const pane = byId('detail');
	const hadFocus = pane.contains(document.activeElement);
	detail.isOpen = false;
	detail.packet = detail.statement = 0;
	pane.hidden = true;
	pane.replaceChildren();
	if (hadFocus)
		currentList().element.focus();
	ladder.list.redraw();
	return true;
}

/* Goes to a packet or a statement: its details, and its row where the ladder has it. */
function jumpTo(thing, stream) {
	if (stream && stream !== ladder.stream)
		chooseStream(stream);
	if (thing.packet)
		showPacket(thing.packet);
	else
		showStatement(thing.statement);
	chooseThing(thing);
}

function makeJump(text, thing) {
	const stream = thing.stream || 0;
	return makeButton(text, {class: 'jump'}, () => {
		jumpTo(thing, stream || streamOf(thing));
		showView('ladder');
	});
}

function streamOf(thing) {
	const said = thing.packet ? ask('page_packet', thing.packet) : ask('page_statement', thing.statement);
	return said.stream || 0;
}

/* A list of names and what they have: dl. */
function makeFacts(pairs) {
	const list = make('dl', {});
	for (const [name, value] of pairs) {
		if (value !== '' && value !== undefined && value !== null)
			list.append(make('dt', {}, name), make('dd', {}, value));
	}
	return list;
}

function makePart(title, ...children) {
	return make('section', {class: 'part', 'aria-label': title}, make('h3', {}, title), ...children);
}

/* ---- a packet ---- */

function edgeFact(edge) {
	const words = {sent: edge.carries ? `${edge.carries} sent by` : 'sent by',
		released: 'let go by', completed: 'completes'};
	const what = edge.packet ? `${edge.packet} ${edge.label}` : edge.label;
	const thing = edge.packet ? {packet: edge.packet} : {statement: edge.statement};
	const jump = edge.packet || edge.statement ? makeJump(what, thing) : what;
	const bytes = edge.end > edge.from ? ` bytes ${edge.from} to ${edge.end - 1}` : '';
	return [words[edge.kind], make('span', {}, edge.perhaps ? 'perhaps ' : '', jump,
		make('span', {class: 'dim'}, bytes))];
}

function showPacket(number, isWanted) {
	const said = ask('page_packet', number);
	detail.packet = number;
	detail.statement = 0;
	const facts = [
		['time', `${said.ms} ms`],
		['from', said.src], ['to', said.dst],
		['frame', said.frame ? `${said.frame} in the file` : ''],
		['why', said.why ? `– ${said.why}` : ''],
		...(said.edges || []).filter((edge) => edge.kind !== 'taken').map(edgeFact),
	];
	const hex = new Hex();
	const parts = [makeFacts(facts)];
	if (said.fields)
		parts.push(makePart('Fields', makeTree(said, hex)), makePart('Bytes', hex.make(said)));
	else
		parts.push(make('p', {class: 'dim'}, 'The file does not have its bytes.'));
	openDetail(`Packet ${number}: ${said.label}`, parts, isWanted);
}

/* The field tree; what belongs to a field can be folded away under it. */
function makeTree(said, hex) {
	const tree = make('ul', {class: 'tree', role: 'tree', 'aria-label': 'Fields'});
	const open = [tree];
	said.fields.forEach((field, i) => {
		const next = said.fields[i + 1], isParent = next && next.depth > field.depth;
		while (open.length > field.depth + 1)
			open.pop();
		const line = make('button', {type: 'button', class: 'field', title: field.name || ''}, field.text);
		line.addEventListener('mouseenter', () => hex.mark(field));
		line.addEventListener('focus', () => hex.mark(field));
		const item = make('li', {role: 'treeitem', 'aria-selected': 'false'}, line);
		open[open.length - 1].append(item);
		if (isParent) {
			const isOpen = field.depth === 0 ? field.name !== 'frame' : field.depth > 1;
			const group = make('ul', {role: 'group'});
			item.setAttribute('aria-expanded', String(isOpen));
			item.append(group);
			open.push(group);
		}
		line.addEventListener('click', () => {
			hex.mark(field);
			if (isParent)
				item.setAttribute('aria-expanded', String(item.getAttribute('aria-expanded') !== 'true'));
			for (const other of tree.querySelectorAll('[aria-selected=true]'))
				other.setAttribute('aria-selected', 'false');
			item.setAttribute('aria-selected', 'true');
		});
	});
	tree.addEventListener('keydown', (event) => treeKey(tree, event));
	tree.addEventListener('mouseleave', () => hex.mark(null));
	return tree;
}

/* Up and down among the lines that can be seen; left and right fold and unfold. */
function treeKey(tree, event) {
	const lines = [...tree.querySelectorAll('.field')].filter((line) => line.offsetParent);
	const at = lines.indexOf(document.activeElement);
	const item = document.activeElement.closest('li');
	if (at < 0)
		return;
	if (event.key === 'ArrowDown' || event.key === 'j')
		lines[Math.min(at + 1, lines.length - 1)].focus();
	else if (event.key === 'ArrowUp' || event.key === 'k')
		lines[Math.max(at - 1, 0)].focus();
	else if (event.key === 'ArrowRight' && item.hasAttribute('aria-expanded'))
		item.setAttribute('aria-expanded', 'true');
	else if (event.key === 'ArrowLeft' && item.getAttribute('aria-expanded') === 'true')
		item.setAttribute('aria-expanded', 'false');
	else
		return;
	event.preventDefault();
	event.stopPropagation();
}

/* ---- a statement ---- */

function showStatement(number, isWanted) {
	const said = ask('page_statement', number);
	detail.statement = number;
	detail.packet = 0;
	const completed = said.completed_packet ? makeJump(said.completed, {packet: said.completed_packet})
		: said.completed_statement ? makeJump(said.completed, {statement: said.completed_statement})
		: said.completed;
	const facts = [
		['program', `${said.program}, process ${said.pid}${said.tid === said.pid ? '' : `, thread ${said.tid}`}`],
		['socket', said.socket],
		['time', `${said.ms} ms`],
		['took', said.took],
		['outcome', make('span', {class: said.error ? 'error' : ''}, said.outcome)],
		['blocked', said.waited],
		['completed by', completed],
	];
	for (const sent of said.sent)
		facts.push(['sent', make('span', {}, sent.perhaps ? 'perhaps ' : '',
			makeJump(`${sent.packet} ${sent.label}`, {packet: sent.packet}))]);
	const parts = [makeFacts(facts)];
	if (said.source && said.source.length)
		parts.push(makePart(`Source, ${said.file}`, makeSource(said)));
	parts.push(makePart(said.calls.length === 1 ? 'Call' : 'Calls', ...said.calls.map(makeCall)));
	if (said.stack.length)
		parts.push(makePart('Stack, innermost first', makeStack(said)));
	openDetail(said.label, parts, isWanted);
}

/* The recorded lines around it; between those that were not recorded stands a gap. */
function makeSource(said) {
	const code = make('div', {class: 'source'});
	said.source.forEach((line, i) => {
		if (i && line.line > said.source[i - 1].line + 1)
			code.append(make('div', {class: 'gap'}, '⋮'));
		code.append(make('div', {class: line.line === said.line ? 'line here' : 'line'},
			make('span', {class: 'line-number'}, line.line), make('code', {}, line.text)));
	});
	return code;
}

/* Members of a call that say what it was given and what came of it, as in the JSON. */
function makeCall(call) {
	const skip = new Set(['call', 'program', 'pid', 'tid', 'name', 'enter_ns', 'exit_ns', 'result', 'errno']);
	const result = call.errno || (call.result === null || call.result === undefined ? '?' : call.result);
	const pairs = [];
	for (const [name, value] of Object.entries(call)) {
		if (skip.has(name) || value === null || value === false || (Array.isArray(value) && !value.length))
			continue;
		pairs.push([name.replace(/_/g, ' '), describeValue(value)]);
	}
	const times = `${(call.enter_ns / 1e6).toFixed(3)} ms`
		+ (call.exit_ns === null ? ', never came back' : ` to ${(call.exit_ns / 1e6).toFixed(3)} ms`);
	return make('div', {class: 'call'},
		make('div', {}, make('b', {}, `${call.name}()`), ' → ', make('span', {class: call.errno ? 'error' : ''},
			String(result)), make('span', {class: 'dim'}, `  call ${call.call}, ${times}`)),
		makeFacts(pairs));
}

function describeValue(value) {
	if (value === true)
		return 'yes';
	if (Array.isArray(value))
		return value.map(describeValue).join('; ');
	if (typeof value !== 'object')
		return String(value);
	if ('address' in value)
		return value.port === undefined ? value.address
			: value.address.includes(':') ? `[${value.address}]:${value.port}` : `${value.address}:${value.port}`;
	return Object.entries(value).map(([name, of]) => `${name} ${of}`).join(' ');
}

function makeStack(said) {
	const list = make('ol', {class: 'stack'});
	for (const place of said.stack) {
		const where = place.file ? `${place.file}${place.line ? `:${place.line}` : ''}` : '';
		list.append(make('li', {class: place.system ? 'system' : ''},
			make('div', {}, make('b', {}, place.function || '?'), ' ', make('span', {class: 'dim'}, where)),
			place.text ? make('code', {}, place.text) : null));
	}
	if (said.stack_cut)
		list.append(make('li', {class: 'dim'}, 'deeper than what was kept'));
	return list;
}
