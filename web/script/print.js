/* On paper there is no window to scroll: before printing, the ladder, the tables and the
 * findings are laid out at length, and removed behind it. */

const PRINT_ROWS = 4000, PRINT_CHUNK = 30, PRINT_WIDTH = 980;

function printLadder() {
	const list = ladder.list, height = ZOOMS[1];
	const count = Math.min(list.count, PRINT_ROWS);
	const sheet = {rowHeight: height, count: list.count, positions: null, chosen: -1};
	const place = layOut(PRINT_WIDTH);
	const parts = [];
	for (let first = 0; first < count; first += PRINT_CHUNK) {
		const indices = [];
		for (let i = first; i < Math.min(first + PRINT_CHUNK, count); i++)
			indices.push(i);
		const [picture, elements] = drawRows(sheet, indices, place, (i) => (i - first) * height, () => false, false);
		const chunk = make('div', {class: 'chunk ladder'}, picture, [...elements.values()]);
		chunk.style.height = `${indices.length * height}px`;
		chunk.style.setProperty('--row', `${height}px`);
		parts.push(chunk);
	}
	if (count < list.count)
		parts.push(make('p', {}, `${list.count - count} more rows are not printed; a filter chooses among them.`));
	return parts;
}

function printTable(table) {
	const count = Math.min(table.count, PRINT_ROWS);
	if (!count)
		return [];
	return [make('h2', {}, table.label), make('table', {},
		make('thead', {}, make('tr', {}, table.columns.map(([text]) => make('th', {}, text)))),
		make('tbody', {}, askTable(table, 0, count).map((row) => make('tr', {class: row.dim ? 'dim' : ''},
			row.cells.map((cell, i) => make('td', {class: table.columns[i][1]}, cell.t)))))),
	count < table.count ? make('p', {}, `${table.count - count} more rows are not printed.`) : null];
}

function layOutPrint() {
	if (!overview)
		return;
	const stream = overview.streams[ladder.stream - 1];
	const names = ladder.lanes.map((lane) => `${lane.program || 'not traced'} ${lane.address}`);
	byId('print').replaceChildren(...[
		make('h1', {}, `sonde: ${file.name || 'capture'}`),
		make('pre', {}, overview.summary),
		stream ? make('h2', {}, `Stream ${ladder.stream - 1}: ${names.join(' → ')}`) : null,
		stream && stream.account ? make('p', {}, stream.account) : null,
		...printLadder(),
		...TABLES.slice(0, 3).flatMap(printTable),
		...(overview.findings.length ? [make('h2', {}, 'What went wrong'), ...makeFindings()] : []),
	].filter(Boolean));
}

function startPrint() {
	addEventListener('beforeprint', layOutPrint);
	addEventListener('afterprint', () => byId('print').replaceChildren());
}
