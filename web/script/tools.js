/* The buttons on top: each has a key, and says so. */

const TOOLS = [
	{id: 'scale', text: 'Time', key: 't', title: 'Place rows by their time instead of one below the other',
		isOn: () => ladder.isLinear, run() { ladder.isLinear = !ladder.isLinear; refreshLadder(); }},
	{id: 'acks', text: 'ACKs', key: 'a', title: 'Draw bare acknowledgements, too',
		isOn: () => ladder.allAcks, run() { ladder.allAcks = !ladder.allAcks; refreshLadder(); }},
	{id: 'idle', text: 'Idle', key: 'i', title: 'Show idle times at length instead of folded',
		isOn: () => !ladder.isFolded, run() { ladder.isFolded = !ladder.isFolded; refreshLadder(); }},
	{id: 'smaller', text: '−', key: '-', title: 'Smaller', run: () => zoom(-1)},
	{id: 'larger', text: '+', key: '+', title: 'Larger', run: () => zoom(1)},
	{id: 'theme', text: '◐', key: 'd', title: 'Light or dark', run: toggleTheme},
	{id: 'open', text: 'Open', key: 'o', title: 'Open another capture', run: () => byId('file').click()},
	{id: 'save', text: 'Save capture', key: 'w', needsCapture: true, run: saveCapture,
		get title() {
			return `Save the capture as a pcapng file, for Wireshark${overview && overview.has_secrets
				? '; it holds passwords' : ''}`;
		}},
	{id: 'print', text: 'Print', key: 'p', title: 'Print ladder, tables and findings', needsCapture: true,
		run: () => window.print()},
	{id: 'help', text: '?', key: '?', title: 'Keys', run: showHelp},
];

function drawTools() {
	byId('tools').replaceChildren(...TOOLS.filter((tool) => overview || !tool.needsCapture).map((tool) =>
		makeButton(tool.text, {
			id: `tool-${tool.id}`, class: 'tool', title: `${tool.title} (${tool.key})`, 'aria-label': tool.title,
			'aria-keyshortcuts': tool.key, 'aria-pressed': tool.isOn ? String(tool.isOn()) : undefined,
		}, () => useTool(tool))));
}

function useTool(tool) {
	const hadFocus = document.activeElement && document.activeElement.id === `tool-${tool.id}`;
	if (tool.needsCapture && !overview)
		return;
	tool.run();
	drawTools();
	if (hadFocus)
		byId(`tool-${tool.id}`).focus();
}

/* In order rows become higher, by time the time between them does. */
function zoom(step) {
	if (step === 0) {
		ladder.zoom = 3;
		ladder.timeZoom = 1;
	} else if (ladder.isLinear) {
		ladder.timeZoom = Math.max(0.125, Math.min(4096, ladder.timeZoom * (step > 0 ? 1.5 : 1 / 1.5)));
	} else {
		ladder.zoom = Math.max(0, Math.min(ZOOMS.length - 1, ladder.zoom + step));
	}
	const list = ladder.list;
	const middle = list.chosen >= 0 ? list.chosen : list.at(list.element.scrollTop + list.element.clientHeight / 2);
	const at = list.count ? list.top(Math.min(middle, list.count - 1)) - list.element.scrollTop : 0;
	refreshLadder();
	if (list.count)
		list.element.scrollTop = list.top(Math.min(middle, list.count - 1)) - at;
}

function toggleTheme() {
	const root = document.documentElement;
	const isDark = root.dataset.theme ? root.dataset.theme === 'dark'
		: window.matchMedia('(prefers-color-scheme: dark)').matches;
	root.dataset.theme = isDark ? 'light' : 'dark';
}
