/* The tables.  A row is chosen as one of the ladder is, and leads to the same details. */

const TABLES = [
	{id: 'sent', kind: 0, title: 'Packet → statement',
		label: 'Which statement sent each packet',
		columns: [['No', 'number'], ['packet', ''], ['sent by statement (– by none)', 'wide']]},
	{id: 'completed', kind: 1, title: 'Statement → packet',
		label: 'Which packet completed each blocking statement',
		columns: [['statement', 'wide'], ['blocked', ''], ['completed by packet', 'wide']]},
	{id: 'taken', kind: 2, title: 'Without packets',
		label: 'Which statement took what another one gave, without packets',
		columns: [['bytes', 'number'], ['given by statement', 'wide'], ['taken by statement', 'wide']]},
	{id: 'statements', kind: 3, title: 'Statements', label: 'Socket calls by statement',
		columns: [['ms', 'number'], ['statement', 'wide'], ['took', ''], ['outcome', '']]},
	{id: 'packets', kind: 4, title: 'Packets', label: 'Packets',
		columns: [['No', 'number'], ['ms', 'number'], ['source', ''], ['destination', ''],
			['protocol', ''], ['length', 'number'], ['info', 'wide']]},
];

const TABLE_ROW = 22;

function startTables() {
	for (const table of TABLES) {
		table.list = new Rows({
			id: table.id, role: 'grid', label: table.label, class: `table ${table.id}`,
			rowHeight: TABLE_ROW, headHeight: TABLE_ROW,
			draw: (list, indices, has) => drawTable(table, list, indices, has), empty: emptyTable,
			open: (index, isWanted) => openTableRow(table, index, isWanted),
			pick: (index) => { if (detail.isOpen) openTableRow(table, index); },
		});
		table.head = make('div', {class: 'table-head', role: 'row'});
		table.list.element.prepend(table.head);
	}
}

/* Their rows changed: another capture, another filter. */
function refreshTables(overview) {
	for (const table of TABLES) {
		if (table.id === 'completed')
			table.columns[2][0] = overview.by_call ? 'completed by' : 'completed by packet';
		table.head.replaceChildren(...table.columns.map(([text, kind]) =>
			make('span', {class: `cell ${kind}`, role: 'columnheader'}, text)));
		table.count = rooms.exports.page_table_count(table.kind);
		table.list.setRows(table.count);
		table.list.element.setAttribute('aria-rowcount', table.count + 1);
		table.list.element.setAttribute('aria-colcount', table.columns.length);
	}
}

const askTable = (table, first, count) => ask('page_table', table.kind, first, count).rows;

function openTableRow(table, index, isWanted) {
	const row = askTable(table, index, 1)[0];
	if (!row)
		return;
	if (row.packet && table.id !== 'completed')
		showPacket(row.packet, isWanted);
	else if (row.statement)
		showStatement(row.statement, isWanted);
}

const emptyTable = () => make('p', {class: 'nothing'}, filter.text ? 'The filter lets nothing through.'
	: 'There is nothing to show here.');

function drawTable(table, list, indices, has) {
	const fresh = indices.filter((index) => !has(index)), elements = new Map();
	if (fresh.length) {
		const first = fresh[0], rows = askTable(table, first, fresh[fresh.length - 1] - first + 1);
		for (const index of fresh) {
			if (rows[index - first])
				elements.set(index, drawTableRow(table, rows[index - first], index, list));
		}
	}
	return [null, elements];
}

function drawTableRow(table, row, index, list) {
	const isChosen = list && index === list.chosen;
	const element = make('div', {
		class: `row${row.dim ? ' dim' : ''}${row.error ? ' error' : ''}${isChosen ? ' chosen' : ''}`,
		role: 'row', 'data-row': index, 'aria-selected': String(Boolean(isChosen)),
		id: list ? list.rowId(index) : undefined, 'aria-rowindex': index + 2,
		'aria-label': row.cells.map((cell, i) => `${table.columns[i][0]}: ${cell.t}`).join(', '),
	}, row.cells.map((cell, i) =>
		make('span', {class: `cell ${table.columns[i][1]}`, role: 'gridcell', title: cell.t}, cell.t)));
	if (list)
		element.style.top = `${index * TABLE_ROW}px`;
	return element;
}
