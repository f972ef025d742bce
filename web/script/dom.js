/* Elements.  Text goes in as text, never as markup: what programs and the network said
 * cannot become an element, an attribute or a script. */

const SVG = 'http://www.w3.org/2000/svg';

const byId = (id) => document.getElementById(id);

/* make('td', {class: 'dim', role: 'cell'}, 'text', child, ...) */
function make(tag, attributes, ...children) {
	const element = document.createElement(tag);
	fill(element, attributes, children);
	return element;
}

function draw(tag, attributes, ...children) {
	const element = document.createElementNS(SVG, tag);
	fill(element, attributes, children);
	return element;
}

function fill(element, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {})) {
		if (value === true)
			element.setAttribute(name, '');
		else if (value !== false && value !== undefined && value !== null)
			element.setAttribute(name, value);
	}
	for (const child of children.flat(Infinity)) {
		if (child !== null && child !== undefined && child !== false)
			element.append(child);
	}
}

function makeButton(text, attributes, action) {
	const button = make('button', {type: 'button', ...attributes}, text);
	button.addEventListener('click', action);
	return button;
}

const plural = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
