/* The keyboard: all that can be clicked can be reached by it. */

const HELP = [
	['j k, arrows', 'next, previous row'],
	['Page Up, Page Down, g G', 'further'],
	['Enter', 'details of the row; Escape closes them'],
	['/', 'the filter; Escape clears it, Enter goes to the rows'],
	['s, n N', 'find words in the ladder; next, previous'],
	['[ ]', 'previous, next stream'],
	['1 to 7', 'the views'],
	['+ - 0', 'larger, smaller, as at first'],
	['t', 'place rows by time, or in order'],
	['a', 'bare acknowledgements'],
	['i', 'idle times folded, or at length'],
	['d', 'light or dark'],
	['o, w', 'open a capture; save this one'],
	['p', 'print'],
];

function showHelp() {
	const dialog = byId('help');
	dialog.replaceChildren(make('h2', {id: 'help-title'}, 'Keys'),
		make('dl', {}, HELP.map(([keys, text]) => [make('dt', {}, make('kbd', {}, keys)), make('dd', {}, text)])),
		make('h2', {}, 'Signs'),
		makeLegend(),
		makeButton('Close', {}, () => dialog.close()));
	if (!dialog.open)
		dialog.showModal();
}

function makeLegend() {
	const sample = (...shapes) => draw('svg', {width: 44, height: 18, 'aria-hidden': 'true', class: 'picture'}, ...shapes);
	const signs = [
		[draw('rect', {class: 'bar lane-0', x: 18, y: 2, width: 8, height: 14, rx: 1.5}), 'in a call'],
		[draw('rect', {class: 'bar lane-0 blocked', x: 18, y: 2, width: 8, height: 14, rx: 1.5}), 'blocked in it'],
		[draw('path', {class: 'arrow lane-0', d: 'M4 9H40'}), 'a packet'],
		[draw('path', {class: 'arrow lane-0 pass', d: 'M4 9H40'}), 'bytes without a packet (Unix sockets, pipes)'],
		[draw('circle', {class: 'dot', cx: 22, cy: 9, r: 4.5}), 'here a packet ended the call'],
	];
	return make('dl', {class: 'legend'}, signs.map(([shape, text]) => [make('dt', {}, sample(shape)), make('dd', {}, text)]));
}

/* Escape leaves one thing at a time, the innermost first. */
function escape() {
	const active = document.activeElement;
	if (active === byId('search')) {
		active.value = '';
		byId('search-state').textContent = '';
		currentList().element.focus();
	} else if (active === byId('filter')) {
		clearFilter();
		currentList().element.focus();
	} else if (!closeDetail() && filter.text) {
		clearFilter();
	}
}

function pressed(event) {
	if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open)
		return;
	if (event.key === 'Escape') {
		escape();
	} else if (event.target.closest('input, textarea, select')) {
		if (event.key !== 'ArrowDown' || !overview)
			return;
		currentList().element.focus();
	} else if (!commandKey(event) && !moveKey(event)) {
		return;
	}
	event.preventDefault();
}

/* Keys that mean the same everywhere. */
function commandKey(event) {
	const key = event.key === '=' ? '+' : event.key;
	const tool = TOOLS.find((it) => it.key === key);
	if (tool) {
		useTool(tool);
		return true;
	}
	if (!overview)
		return false;
	const shown = views.list.filter(isShownTab);
	const commands = {
		'/': () => byId('filter').select(),
		s: () => byId('search').select(),
		n: () => searchNext(false), N: () => searchNext(true),
		'[': () => stepStream(-1), ']': () => stepStream(1),
		0: () => zoom(0),
	};
	if (key in commands)
		commands[key]();
	else if (key >= '1' && key <= '9' && shown[key - 1])
		showView(shown[key - 1].id);
	else
		return false;
	return true;
}

/* Keys that move the choice: in the list that has the focus, else in the view. */
function moveKey(event) {
	if (!overview || event.target.closest('#detail'))
		return false;
	if (event.key === 'Enter' && event.target.closest('button'))
		return false;
	if (streams.list.element.contains(event.target))
		return streams.list.key(event);
	const list = currentList();
	if (!list.key(event))
		return false;
	if (event.key !== 'Enter')
		list.element.focus({preventScroll: true});
	return true;
}

function startKeys() {
	document.addEventListener('keydown', pressed);
}
