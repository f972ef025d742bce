/* `matches`: expressions as PCRE2 reads them on the command line, said in JavaScript's.
 *
 * Both look into bytes.  Where the two languages differ in what is common (flags in front,
 * what a dot and a dollar mean, classes by name) the text is changed; what JavaScript does
 * not have at all (recursion, atomic groups, conditions) is refused as it refuses it. */

const REGEX_NAMED = {
	alpha: 'A-Za-z', digit: '0-9', alnum: 'A-Za-z0-9', upper: 'A-Z', lower: 'a-z', space: '\\t-\\r ',
	blank: '\\t ', punct: '!-\\/:-@\\[-`{-~', xdigit: '0-9A-Fa-f', cntrl: '\\x00-\\x1f\\x7f',
	print: ' -~', graph: '!-~', word: '\\w',
};

const REGEX_END = '(?![^])';

/* Escapes outside of classes. */
const REGEX_ESCAPES = {
	A: '(?<![^])', z: REGEX_END, Z: `(?=\\n?${REGEX_END})`, h: '[\\t \\xa0]', H: '[^\\t \\xa0]', s: '[\\t-\\r ]',
	S: '[^\\t-\\r ]', N: '[^\\n]', R: '(?:\\r\\n|[\\n-\\r])', a: '\\x07', e: '\\x1b',
};

const REGEX_CLASS_ESCAPES = {h: '\\t \\xa0', s: '\\t-\\r ', a: '\\x07', e: '\\x1b'};

/* A class from its bracket on; returns its text and where it ends. */
function translateClass(pattern, at) {
	let text = '[', i = at + 1;
	if (pattern[i] === '^')
		text += pattern[i++];
	if (pattern[i] === ']') { /* the first is itself */
		text += '\\]';
		i++;
	}
	for (; i < pattern.length && pattern[i] !== ']'; i++) {
		const named = /^\[:(\w+):\]/.exec(pattern.slice(i));
		if (named && named[1] in REGEX_NAMED) {
			text += REGEX_NAMED[named[1]];
			i += named[0].length - 1;
		} else if (pattern[i] === '\\' && i + 1 < pattern.length) {
			i++;
			text += REGEX_CLASS_ESCAPES[pattern[i]] || `\\${pattern[i]}`;
		} else {
			text += pattern[i] === '[' ? '\\[' : pattern[i];
		}
	}
	return [i < pattern.length ? `${text}]` : text, i];
}

function translateRegex(pattern, ignoreCase) {
	const inFront = /^\(\?([ims]*)(?:-([ims]+))?\)/.exec(pattern);
	const flags = new Set((inFront ? inFront[1] : '') + (ignoreCase ? 'i' : ''));
	let text = '';
	for (const flag of inFront && inFront[2] || '')
		flags.delete(flag);
	for (let i = inFront ? inFront[0].length : 0; i < pattern.length; i++) {
		const char = pattern[i];
		if (char === '[') {
			const [part, end] = translateClass(pattern, i);
			text += part;
			i = end;
		} else if (char === '\\' && i + 1 < pattern.length) {
			i++;
			text += REGEX_ESCAPES[pattern[i]] || `\\${pattern[i]}`;
		} else if (char === '.') {
			text += flags.has('s') ? '[^]' : '[^\\n]';
		} else if (char === '$' && !flags.has('m')) {
			text += REGEX_ESCAPES.Z;
		} else {
			text += char;
		}
	}
	return new RegExp(text, (flags.has('i') ? 'i' : '') + (flags.has('m') ? 'm' : ''));
}
