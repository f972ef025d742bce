/* The C half (web/page.h): bytes and texts in, JSON out. */

const rooms = {
	exports: null,
};

/* Base64 in an element's text, as bytes. */
function decodeBase64(text) {
	if (Uint8Array.fromBase64)
		return Uint8Array.fromBase64(text);
	const chars = atob(text);
	const bytes = new Uint8Array(chars.length);
	for (let i = 0; i < chars.length; i++)
		bytes[i] = chars.charCodeAt(i);
	return bytes;
}

async function gunzip(bytes) {
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

const memoryBytes = (at, length) => new Uint8Array(rooms.exports.memory.buffer, at, length);

/* What the C half asks of a browser (web/match.c). */
const lent = {
	/* How far local time is ahead of UTC when a local clock shows that many seconds. */
	utc_offset(localSeconds) {
		const shown = new Date(localSeconds * 1000);
		const really = new Date(shown.getUTCFullYear(), shown.getUTCMonth(), shown.getUTCDate(),
			shown.getUTCHours(), shown.getUTCMinutes(), shown.getUTCSeconds());
		const offset = localSeconds - really.getTime() / 1000;
		return Number.isFinite(offset) ? offset : 0;
	},
};

async function loadRooms() {
	const wasm = await gunzip(decodeBase64(byId('rooms').textContent));
	const {instance} = await WebAssembly.instantiate(wasm, {page: lent});
	rooms.exports = instance.exports;
}

function answer() {
	const length = rooms.exports.page_length();
	if (!length)
		throw new Error('there is no memory for the answer');
	return JSON.parse(new TextDecoder().decode(memoryBytes(rooms.exports.page_text(), length)));
}

function ask(name, ...numbers) {
	rooms.exports[name](...numbers);
	return answer();
}

/* Gives a text to the function that is called next. */
function giveInput(text) {
	const bytes = new TextEncoder().encode(text);
	memoryBytes(rooms.exports.page_input(bytes.length), bytes.length).set(bytes);
}

/* The overview; throws what makes it no capture. */
function openCapture(bytes, showsSecrets) {
	const at = rooms.exports.page_reserve(bytes.length);
	if (!at)
		throw new Error('there is no memory for it');
	memoryBytes(at, bytes.length).set(bytes);
	rooms.exports.page_show_secrets(showsSecrets ? 1 : 0);
	const status = rooms.exports.page_open(bytes.length);
	const said = answer();
	if (status < 0)
		throw new Error(said.error + (said.hint ? `; ${said.hint}` : ''));
	return said;
}

/* {packets, of} of a filter, or {reason, subject, hint, at, length} of what is none. */
function applyFilter(text) {
	giveInput(text);
	const passed = rooms.exports.page_filter();
	return {isFilter: passed === 1, ...answer()};
}

function askRows(indices) {
	const at = rooms.exports.page_input(indices.length * 4);
	memoryBytes(at, indices.length * 4).set(new Uint8Array(Uint32Array.from(indices).buffer));
	return ask('page_rows', indices.length);
}

function searchRows(text, from, isBackwards) {
	giveInput(text);
	return rooms.exports.page_search(from, isBackwards ? 1 : 0);
}

function packetBytes(source, length) {
	return memoryBytes(rooms.exports.page_packet_bytes(source), length).slice();
}
