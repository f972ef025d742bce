/* The views and their tabs. */

const views = {
	current: 'ladder',
	list: [], /* {id, title, element, rows} */
};

function startViews() {
	const account = make('p', {id: 'account', hidden: true});
	const findings = make('div', {class: 'findings', tabindex: 0, role: 'region', 'aria-label': 'Findings'});
	const box = make('div', {class: 'ladder-view'}, account, ladder.list.element);
	views.list = [
		{id: 'ladder', title: 'Ladder', element: box, rows: ladder.list, count: () => 0},
		{id: 'findings', title: 'Findings', element: findings, rows: null, count: () => overview.findings.length},
		...TABLES.map((table) => ({
			id: table.id, title: table.title, element: table.list.element, rows: table.list, count: () => table.count,
		})),
	];
	views.findings = findings;
	byId('panel').append(...views.list.map((view) => view.element));
	byId('tabs').addEventListener('keydown', tabKey);
}

const viewOf = (id) => views.list.find((view) => view.id === id);

/* What the keys that move a choice belong to. */
const currentList = () => viewOf(views.current).rows || {element: viewOf(views.current).element, key: () => false};

function isShownTab(view) {
	return ['ladder', 'findings'].includes(view.id) || view.count() > 0 || view.id === views.current || filter.text;
}

function drawTabs() {
	if (!overview)
		return;
	byId('tabs').replaceChildren(...views.list.filter(isShownTab).map((view) => {
		const isChosen = view.id === views.current, count = view.count();
		return makeButton([view.title, count ? make('span', {class: `badge ${view.id}`}, count.toLocaleString('en')) : null], {
			role: 'tab', id: `tab-${view.id}`, 'aria-selected': String(isChosen), 'aria-controls': 'panel',
			tabindex: isChosen ? 0 : -1,
		}, () => showView(view.id));
	}));
	byId('panel').setAttribute('aria-labelledby', `tab-${views.current}`);
}

function tabKey(event) {
	const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
	if (!step)
		return;
	stepView(step);
	byId(`tab-${views.current}`).focus();
	event.preventDefault();
	event.stopPropagation();
}

function stepView(step) {
	const shown = views.list.filter(isShownTab);
	const at = shown.findIndex((view) => view.id === views.current);
	showView(shown[(at + step + shown.length) % shown.length].id);
}

function showView(id) {
	views.current = id;
	for (const view of views.list)
		view.element.hidden = view.id !== id;
	drawTabs();
	if (viewOf(id).rows)
		viewOf(id).rows.redraw();
}
