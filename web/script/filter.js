/* The filter box, and the box that finds words in the ladder. */

const filter = {
	text: '', /* the one that is in force */
	timer: 0,
};

const FILTER_PAUSE_MS = 150; /* after a key, before it is tried */

function startFilter() {
	const box = byId('filter');
	box.addEventListener('input', () => {
		clearTimeout(filter.timer);
		filter.timer = setTimeout(tryFilter, FILTER_PAUSE_MS);
	});
	byId('filter-form').addEventListener('submit', (event) => {
		event.preventDefault();
		if (tryFilter())
			currentList().element.focus();
	});
	byId('search').addEventListener('input', () => search(ladder.list.chosen < 0 ? 0 : ladder.list.chosen, false));
	byId('search-form').addEventListener('submit', (event) => {
		event.preventDefault();
		searchNext(false);
	});
}

/* What is wrong stays beside the box, and the filter before it in force. */
function tryFilter() {
	clearTimeout(filter.timer);
	const box = byId('filter');
	if (!overview)
		return false;
	const said = applyFilter(box.value);
	box.setAttribute('aria-invalid', String(!said.isFilter));
	showFilterError(said.isFilter ? null : said, box.value);
	if (!said.isFilter) {
		byId('filter-state').textContent = 'not a filter';
		return false;
	}
	filter.text = box.value.trim();
	byId('filter-state').textContent = filter.text
		? `${said.packets.toLocaleString('en')} of ${plural(said.of, 'packet')}` : '';
	refreshLadder();
	refreshTables(overview);
	drawTabs();
	return true;
}

/* As on the command line: the reason, the filter, and a caret under what is wrong. */
function showFilterError(said, text) {
	const place = byId('filter-error');
	place.hidden = !said;
	if (!said)
		return;
	const under = ' '.repeat(columnsOf(text.slice(0, said.at))) + '^'
		+ '~'.repeat(Math.max(0, columnsOf(text.slice(said.at, said.at + said.length)) - 1));
	place.textContent = `filter${said.subject ? ` ${said.subject}` : ''}: ${said.reason}\n    ${text}\n    ${under}`
		+ (said.hint ? `\nhint: ${said.hint}` : '');
}

const columnsOf = (text) => [...text].length;

function clearFilter() {
	byId('filter').value = '';
	tryFilter();
}

/* ---- words in the ladder ---- */

function search(from, isBackwards) {
	const text = byId('search').value;
	let row = text ? searchRows(text, from, isBackwards) : -1;
	/* Round the end. */
	if (row < 0 && text)
		row = searchRows(text, isBackwards ? ladder.list.count : 0, isBackwards);
	byId('search-state').textContent = text && row < 0 ? 'not found' : '';
	if (row >= 0) {
		showView('ladder');
		ladder.list.choose(row, true);
	}
	return row;
}

function searchNext(isBackwards) {
	const at = ladder.list.chosen;
	return search(isBackwards ? (at < 0 ? ladder.list.count : at) : at + 1, isBackwards);
}
