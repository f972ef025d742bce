/* A list of which only the rows in view exist.
 *
 * It is a listbox or a grid to assistive tools: one element has the focus, and says by
 * aria-activedescendant which row is the chosen one.  Who makes it says how many rows there
 * are, where they stand, and how they are drawn.  What stays in view stays as it is. */

const ROWS_MARGIN = 12; /* rows drawn beyond either edge */

class Rows {
	/* options: role, label, rowHeight, indices(list, first, last): those to draw (all),
	 * draw(list, indices, has(index)) -> [picture or null, Map of index to element] for those
	 * that it does not have, empty(): what stands there without rows,
	 * open(index, isWanted): in full, pick(index): chosen */
	constructor(options) {
		this.options = options;
		this.count = 0;
		this.chosen = -1;
		this.rowHeight = options.rowHeight;
		this.positions = null; /* where rows have none of equal height */
		this.elements = new Map(); /* by index: those that exist */
		this.space = make('div', {class: 'space', role: 'presentation'});
		this.window = make('div', {class: 'window', role: 'presentation'});
		this.space.append(this.window);
		this.element = make('div', {
			class: `rows ${options.class || ''}`, role: options.role, tabindex: 0,
			'aria-label': options.label,
		}, this.space);
		this.element.addEventListener('scroll', () => this.later(), {passive: true});
		this.element.addEventListener('click', (event) => this.clicked(event));
		this.observer = new ResizeObserver(() => this.later());
		this.observer.observe(this.element);
	}

	setRows(count, positions, height) {
		this.count = count;
		this.positions = positions || null;
		this.height = positions ? height : count * this.rowHeight;
		this.space.style.height = `${this.height}px`;
		if (this.chosen >= count)
			this.chosen = -1;
		this.redraw();
	}

	top(index) {
		return this.positions ? this.positions[index] : index * this.rowHeight;
	}

	/* The first row at or below a height. */
	at(y) {
		if (!this.positions)
			return Math.max(0, Math.min(this.count, Math.floor(y / this.rowHeight)));
		let low = 0, high = this.count;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.positions[middle] < y)
				low = middle + 1;
			else
				high = middle;
		}
		return low;
	}

	later() {
		if (!this.frame)
			this.frame = requestAnimationFrame(() => { this.frame = 0; this.drawNow(); });
	}

	/* The rows in view, [first, last). */
	inView() {
		const margin = ROWS_MARGIN * this.rowHeight;
		const top = this.element.scrollTop;
		return [Math.max(0, this.at(top - margin)),
			Math.min(this.count, this.at(top + this.element.clientHeight + margin) + 1)];
	}

	drawNow() {
		if (!this.element.isConnected || !this.element.clientHeight)
			return;
		const [first, last] = this.inView();
		const key = `${first} ${last} ${this.chosen} ${this.element.clientWidth}`;
		if (key === this.drawn)
			return;
		this.drawn = key;
		this.drawRows(first, last);
		if (this.chosen >= first && this.chosen < last)
			this.element.setAttribute('aria-activedescendant', this.rowId(this.chosen));
		else
			this.element.removeAttribute('aria-activedescendant');
	}

	/* Puts in what came into view, takes out what left it. */
	drawRows(first, last) {
		const indices = [];
		for (let i = first; i < last; i++)
			indices.push(i);
		const wanted = this.options.indices ? this.options.indices(this, indices) : indices;
		if (!wanted.length) {
			this.elements.clear();
			this.window.replaceChildren(this.options.empty());
			return;
		}
		const [picture, fresh] = this.options.draw(this, wanted, (index) => this.elements.has(index));
		const stays = new Map(wanted.map((index) => [index, fresh.get(index) || this.elements.get(index)])
			.filter(([, element]) => element));
		for (const [index, element] of this.elements) {
			if (stays.get(index) !== element)
				element.remove();
		}
		if (!this.elements.size || !picture !== !this.picture)
			this.window.replaceChildren(...(picture ? [picture] : []));
		else if (picture)
			this.picture.replaceWith(picture);
		let at = picture ? picture.nextSibling : this.window.firstChild;
		for (const element of stays.values()) {
			if (element === at)
				at = at.nextSibling;
			else
				this.window.insertBefore(element, at);
		}
		this.picture = picture;
		this.elements = stays;
	}

	redraw() {
		this.drawn = null;
		this.elements.clear();
		this.later();
	}

	rowId(index) {
		return `${this.options.id}-${index}`;
	}

	clicked(event) {
		const row = event.target.closest('[data-row]');
		if (!row || window.getSelection().toString())
			return;
		this.choose(Number(row.dataset.row));
		this.options.open(this.chosen);
	}

	choose(index, isCentred) {
		if (!this.count)
			return;
		this.chosen = Math.max(0, Math.min(this.count - 1, index));
		this.reveal(isCentred);
		this.redraw();
		if (this.options.pick)
			this.options.pick(this.chosen);
	}

	reveal(isCentred) {
		const top = this.top(this.chosen), height = this.element.clientHeight;
		const least = this.element.scrollTop, head = this.options.headHeight || 0;
		if (isCentred || top < least + head || top + 2 * this.rowHeight > least + height)
			this.element.scrollTop = isCentred || top > least + 2 * height ||
				top < least - height ? top - height / 2
				: top < least + head ? top - head : top + 2 * this.rowHeight - height;
	}

	/* Whether the key meant something. */
	key(event) {
		const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 3);
		const steps = {
			ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page,
			Home: -Infinity, g: -Infinity, End: Infinity, G: Infinity,
		};
		if (event.key === 'Enter' && this.chosen >= 0) {
			this.options.open(this.chosen, true);
			return true;
		}
		if (!(event.key in steps) || !this.count)
			return false;
		const step = steps[event.key];
		const first = this.at(this.element.scrollTop);
		this.choose(step === Infinity ? this.count - 1 : step === -Infinity ? 0
			: this.chosen < 0 ? first : this.chosen + step);
		return true;
	}
}
