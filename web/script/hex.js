/* The bytes of a packet, sixteen a line; those of a field can be marked.  A long packet is
 * shown in part, and the rest when it is asked for. */

const HEX_ROW = 16, HEX_FIRST = 2048;

class Hex {
	make(said) {
		this.blocks = [this.makeBlock('', 0, said.size)];
		if (said.reassembled_size)
			this.blocks.push(this.makeBlock('Put together', 1, said.reassembled_size));
		return make('div', {class: 'hex'}, this.blocks.map((block) => block.element));
	}

	makeBlock(title, source, size) {
		const block = {bytes: packetBytes(source, size), cells: [], source};
		block.body = make('div', {class: 'hex-body'});
		block.element = make('div', {}, title ? make('h4', {}, `${title} (${plural(size, 'byte')})`) : null,
			block.body);
		this.addRows(block, 0, Math.min(size, HEX_FIRST));
		if (size > HEX_FIRST) {
			const more = makeButton(`show all ${plural(size, 'byte')}`, {class: 'jump'}, () => {
				more.remove();
				this.addRows(block, HEX_FIRST, size);
			});
			block.element.append(more);
		}
		return block;
	}

	addRows(block, from, to) {
		for (let at = from; at < to; at += HEX_ROW) {
			const row = make('div', {class: 'hex-row'}, make('span', {class: 'hex-at'},
				at.toString(16).padStart(4, '0')));
			const digits = make('span', {class: 'hex-digits'}), chars = make('span', {class: 'hex-chars'});
			for (let i = at; i < Math.min(at + HEX_ROW, to); i++) {
				const byte = block.bytes[i];
				const digit = make('span', {}, byte.toString(16).padStart(2, '0'));
				const char = make('span', {}, byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·');
				digits.append(digit);
				chars.append(char);
				block.cells[i] = [digit, char];
			}
			row.append(digits, chars);
			block.body.append(row);
		}
	}

	mark(field) {
		for (const element of this.marked || [])
			element.classList.remove('marked');
		this.marked = [];
		if (!field || !field.length)
			return;
		const block = this.blocks[field.source || 0];
		for (let i = field.at; block && i < field.at + field.length && i < block.cells.length; i++)
			this.marked.push(...block.cells[i]);
		for (const element of this.marked)
			element.classList.add('marked');
		if (this.marked.length)
			this.marked[0].scrollIntoView({block: 'nearest'});
	}
}
