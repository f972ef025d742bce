/* Captures in and out: what the page was made with, what is dropped on it, what is saved. */

const MOST_BYTES = 1 << 30; /* of a capture: the C half has 4 GB of memory */

const file = {name: ''};

/* The capture in the page; null where there is none. */
function capturedBytes() {
	const place = byId('capture');
	if (!place)
		return null;
	file.name = new TextDecoder().decode(decodeBase64(place.dataset.name || ''));
	return decodeBase64(place.textContent);
}

async function readFile(chosen) {
	if (chosen.size > MOST_BYTES)
		throw new Error(`it has ${plural(chosen.size, 'byte')}; cut it first: sonde read FILE -Y FILTER -w PART`);
	const bytes = new Uint8Array(await chosen.arrayBuffer());
	return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes) : bytes;
}

async function openFile(chosen) {
	try {
		const bytes = await readFile(chosen);
		file.name = chosen.name;
		showCapture(bytes, 0, false);
	} catch (error) {
		showTrouble(chosen.name, error);
	}
}

/* The very bytes of the file. */
function saveCapture() {
	const size = overview.size;
	const bytes = memoryBytes(rooms.exports.page_bytes(), size).slice();
	const url = URL.createObjectURL(new Blob([bytes], {type: 'application/octet-stream'}));
	const link = make('a', {href: url, download: file.name || 'capture.pcapng'});
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 60000);
}

function startFiles() {
	byId('file').addEventListener('change', (event) => {
		if (event.target.files.length)
			openFile(event.target.files[0]);
		event.target.value = '';
	});
	byId('open-first').addEventListener('click', () => byId('file').click());
	let depth = 0; /* of elements that a drag is over */
	const show = (isOver) => { byId('drop').hidden = !isOver; };
	addEventListener('dragenter', (event) => {
		event.preventDefault();
		depth++;
		show(true);
	});
	addEventListener('dragleave', () => {
		depth = Math.max(0, depth - 1);
		show(depth > 0);
	});
	addEventListener('dragover', (event) => event.preventDefault());
	addEventListener('drop', (event) => {
		event.preventDefault();
		depth = 0;
		show(false);
		if (event.dataTransfer.files.length)
			openFile(event.dataTransfer.files[0]);
	});
}
