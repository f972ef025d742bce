/* The start: the C half is loaded, then the capture in the page opened. */

/* Beside the capture that is open, or instead of one. */
function showTrouble(name, error) {
	const text = `${name ? `${name}: ` : ''}${error.message}`;
	if (overview) {
		byId('notes').prepend(make('p', {class: 'note error', role: 'alert'}, make('b', {}, 'error: '), text));
		return;
	}
	byId('welcome-error').textContent = text;
	byId('welcome').hidden = false;
}

/* What should not happen is said, too: the page may have stopped in the middle. */
function watchErrors() {
	const show = (error) => showTrouble('', new Error(`the page is in trouble, and should be loaded again: ${error}`));
	addEventListener('error', (event) => show(event.message));
	addEventListener('unhandledrejection', (event) => show(event.reason));
}

function showCapture(bytes, stream, showsSecrets) {
	closeDetail();
	overview = null;
	filter.text = '';
	byId('filter').value = byId('search').value = '';
	byId('filter-error').hidden = true;
	byId('filter-state').textContent = '';
	document.body.classList.remove('open');
	drawTools();
	overview = openCapture(bytes, showsSecrets);
	overview.size = bytes.length;
	document.body.classList.add('open');
	byId('welcome').hidden = true;
	byId('welcome-error').textContent = '';
	byId('name').textContent = file.name;
	document.title = file.name ? `${file.name} – sonde` : 'sonde';
	byId('foot').textContent = overview.summary.trim().split('\n').join('   ·   ');
	ladder.stream = 0;
	ladder.list.chosen = -1;
	for (const table of TABLES)
		table.list.chosen = -1;
	showNotes();
	showStreams();
	refreshTables(overview);
	views.findings.replaceChildren(...makeFindings());
	const count = overview.streams.length;
	if (count)
		chooseStream(stream >= 1 && stream <= count ? stream : 1);
	else
		buildLadder(0);
	if (!count)
		showAccount();
	showView(count || !overview.calls && !overview.packets ? 'ladder' : overview.calls ? 'statements' : 'packets');
	drawTools();
	currentList().element.focus({preventScroll: true});
}

async function start() {
	watchErrors();
	startLadder();
	startTables();
	startViews();
	startStreams();
	startFilter();
	startFiles();
	startKeys();
	startPrint();
	drawTools();
	try {
		await loadRooms();
	} catch (error) {
		showTrouble('', new Error(`this browser cannot run the page: ${error.message}`));
		return;
	}
	const bytes = capturedBytes();
	if (!bytes) {
		byId('welcome').hidden = false;
	} else {
		try {
			const made = byId('capture').dataset;
			showCapture(bytes, Number(made.stream || 0), made.secrets === 'shown');
		} catch (error) {
			showTrouble(file.name, error);
		}
	}
	document.documentElement.dataset.ready = 'yes';
}

start();
