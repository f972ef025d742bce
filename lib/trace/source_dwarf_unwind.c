/* Call frame information, read by libdw and applied to another process's registers.
 *
 * Each rule is an expression.  Nearly all say "saved at the frame address plus n", and
 * these are kept as that; the others (the procedure linkage table, signal frames, frames
 * that were aligned by hand) go through the small stack machine below, which knows what
 * compilers and libc use of it.  What it does not know has no answer. */
#include "trace/source_dwarf_unwind.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "base/array.h"
#include "base/limits.h"

enum rule_kind {
	RULE_SAVED,      /* at frame + offset */
	RULE_VALUE,      /* frame + offset itself */
	RULE_REGISTER,   /* in another register */
	RULE_EXPRESSION, /* gives where it is saved */
	RULE_EXPRESSION_VALUE,
};

struct unwind_rule {
	uint8_t number, kind;
	uint8_t other;
	uint32_t count;
	union {
		int64_t offset;
		const Dwarf_Op *ops; /* the module's */
	};
};

/* ---- registers ---- */

int unwind_start(pid_t tid, struct unwind_registers *ret)
{
	struct user_regs_struct now;
	struct iovec io = {.iov_base = &now, .iov_len = sizeof(now)};

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &io) < 0)
		return -errno;
	if (io.iov_len != sizeof(now))
		return -EFAULT; /* a program of another word size */
	ret->known = (UINT64_C(1) << DWARF_REGISTERS) - 1;
#ifdef __x86_64__
	/* The psABI's order; 16 is the return address, which no register holds. */
	const uint64_t values[DWARF_REGISTERS] = {
		now.rax, now.rdx, now.rcx, now.rbx, now.rsi, now.rdi, now.rbp, now.rsp,
		now.r8,  now.r9,  now.r10, now.r11, now.r12, now.r13, now.r14, now.r15,
	};
	memcpy(ret->values, values, sizeof(values));
	ret->known &= ~(UINT64_C(1) << 16);
	ret->pc = now.rip;
#else
	memcpy(ret->values, now.regs, 31 * sizeof(ret->values[0]));
	ret->values[DWARF_SP] = now.sp;
	ret->pc = now.pc;
#endif
	return 0;
}

static bool is_register_known(const struct unwind_registers *registers, uint64_t number)
{
	return number < DWARF_REGISTERS && (registers->known >> number & 1);
}

/* ---- expressions ---- */

enum { OPERANDS = 16 };

struct machine {
	const struct unwind_registers *registers;
	unwind_read *read;
	void *context;
	uint64_t frame;
	bool has_frame;
	unsigned depth;
	uint64_t operands[OPERANDS];
};

static bool push(struct machine *machine, uint64_t value)
{
	if (machine->depth == OPERANDS)
		return false;
	machine->operands[machine->depth++] = value;
	return true;
}

static bool push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
	return is_register_known(machine->registers, number) &&
	       push(machine, machine->registers->values[number] + offset);
}

static bool apply_binary(struct machine *machine, uint8_t atom)
{
	if (machine->depth < 2)
		return false;
	uint64_t b = machine->operands[--machine->depth];
	uint64_t *a = &machine->operands[machine->depth - 1];
	int64_t left = (int64_t)*a, right = (int64_t)b;

	switch (atom) {
	case DW_OP_plus:
		*a += b;
		break;
	case DW_OP_minus:
		*a -= b;
		break;
	case DW_OP_mul:
		*a *= b;
		break;
	case DW_OP_and:
		*a &= b;
		break;
	case DW_OP_or:
		*a |= b;
		break;
	case DW_OP_xor:
		*a ^= b;
		break;
	case DW_OP_shl:
		*a = b < 64 ? *a << b : 0;
		break;
	case DW_OP_shr:
		*a = b < 64 ? *a >> b : 0;
		break;
	case DW_OP_ge:
		*a = left >= right;
		break;
	case DW_OP_gt:
		*a = left > right;
		break;
	case DW_OP_le:
		*a = left <= right;
		break;
	case DW_OP_lt:
		*a = left < right;
		break;
	case DW_OP_eq:
		*a = left == right;
		break;
	case DW_OP_ne:
		*a = left != right;
		break;
	default:
		return false;
	}
	return true;
}

static bool apply(struct machine *machine, const Dwarf_Op *op)
{
	uint64_t *top = machine->depth ? &machine->operands[machine->depth - 1] : NULL;

	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return push_register(machine, op->atom - DW_OP_breg0, op->number);
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push(machine, op->atom - DW_OP_lit0);
	switch (op->atom) {
	case DW_OP_bregx:
		return push_register(machine, op->number, op->number2);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return push(machine, op->number);
	case DW_OP_call_frame_cfa:
		return machine->has_frame && push(machine, machine->frame);
	case DW_OP_dup:
		return top && push(machine, *top);
	case DW_OP_drop:
		machine->depth -= top != NULL;
		return top != NULL;
	case DW_OP_deref:
		return top && machine->read(machine->context, *top, top) >= 0;
	case DW_OP_plus_uconst:
		if (top)
			*top += op->number;
		return top != NULL;
	case DW_OP_nop:
		return true;
	default:
		return apply_binary(machine, op->atom);
	}
}

static int evaluate(struct machine *machine, const Dwarf_Op *ops, size_t count,
		    uint64_t *ret)
{
	machine->depth = 0;
	for (size_t i = 0; i < count; i++)
		if (!apply(machine, &ops[i]))
			return -EFAULT;
	if (machine->depth == 0)
		return -EFAULT;
	*ret = machine->operands[machine->depth - 1];
	return 0;
}

/* ---- rules ---- */

/* "frame", "frame + n", each as the place or as the value; how libdw spells them. */
static bool read_common(const Dwarf_Op *ops, size_t count, struct unwind_rule *rule)
{
	size_t i = 1;

	if (ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	rule->offset = 0;
	if (i < count && ops[i].atom == DW_OP_plus_uconst)
		rule->offset = (int64_t)ops[i++].number;
	rule->kind = RULE_SAVED;
	if (i < count && ops[i].atom == DW_OP_stack_value) {
		rule->kind = RULE_VALUE;
		i++;
	}
	return i == count;
}

static bool read_rule(const Dwarf_Op *ops, size_t count, bool is_own,
		      struct unwind_rule *rule)
{
	if (read_common(ops, count, rule))
		return true;
	if (count == 1 && (ops[0].atom == DW_OP_regx ||
			   (ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31))) {
		uint64_t other = ops[0].atom == DW_OP_regx
					 ? ops[0].number
					 : (uint64_t)(ops[0].atom - DW_OP_reg0);
		rule->kind = RULE_REGISTER;
		rule->other = (uint8_t)other;
		return other < DWARF_REGISTERS;
	}
	if (is_own || count > LIMIT_UNWIND_OPERATIONS)
		return false; /* no such form is known */
	rule->kind = RULE_EXPRESSION;
	if (ops[count - 1].atom == DW_OP_stack_value) {
		rule->kind = RULE_EXPRESSION_VALUE;
		count--;
	}
	rule->ops = ops;
	rule->count = (uint32_t)count;
	return true;
}

/* Registers without a rule here are lost in the caller. */
static int read_registers(Dwarf_Frame *frame, struct unwind_rules *rules)
{
	struct unwind_rule found[DWARF_REGISTERS];

	for (unsigned i = 0; i < DWARF_REGISTERS; i++) {
		Dwarf_Op own[3], *ops;
		size_t count;
		struct unwind_rule rule = {.number = (uint8_t)i};

		if (dwarf_frame_register(frame, (int)i, own, &ops, &count) != 0)
			continue;
		if (count == 0)
			rules->same |= (uint64_t)!ops << i;
		else if (read_rule(ops, count, ops == own, &rule))
			found[rules->more_count++] = rule;
	}
	if (rules->more_count == 0)
		return 0;
	rules->more = array_new(rules->more_count, sizeof(*rules->more));
	if (!rules->more)
		return -ENOMEM;
	memcpy(rules->more, found, rules->more_count * sizeof(*found));
	return 0;
}

static bool read_frame_address(Dwarf_Frame *frame, struct unwind_rules *rules)
{
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count == 0 ||
	    count > LIMIT_UNWIND_OPERATIONS)
		return false;
	if (count == 1 && ops[0].atom == DW_OP_bregx && ops[0].number < DWARF_REGISTERS) {
		rules->frame_register = (unsigned)ops[0].number;
		rules->frame_offset = (int64_t)ops[0].number2;
		return true;
	}
	/* libdw lends a form of one operation only while the frame is alive. */
	if (count == 1)
		return false;
	rules->frame = ops;
	rules->frame_count = count;
	return true;
}

static Dwarf_Frame *find_frame(Dwfl_Module *module, bool with_debug_frame,
			       uint64_t address)
{
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr bias;
	Dwarf_CFI *cfi = dwfl_module_eh_cfi(module, &bias);

	if (cfi && dwarf_cfi_addrframe(cfi, address - bias, &frame) == 0)
		return frame;
	cfi = with_debug_frame ? dwfl_module_dwarf_cfi(module, &bias) : NULL;
	if (cfi && dwarf_cfi_addrframe(cfi, address - bias, &frame) == 0)
		return frame;
	return NULL;
}

int unwind_rules_read(Dwfl_Module *module, bool with_debug_frame, uint64_t address,
		      struct unwind_rules *ret)
{
	struct unwind_rules rules = {0};
	Dwarf_Frame *frame = find_frame(module, with_debug_frame, address);
	int r = 0;

	if (frame) {
		int number = dwarf_frame_info(frame, NULL, NULL, &rules.is_signal);
		rules.return_register = (unsigned)number;
		if (number >= 0 && number < DWARF_REGISTERS &&
		    read_frame_address(frame, &rules)) {
			r = read_registers(frame, &rules);
			rules.is_known = r == 0;
		}
		free(frame);
	}
	if (r == 0)
		*ret = rules;
	return r;
}

void unwind_rules_done(struct unwind_rules *rules)
{
	array_free(rules->more);
	*rules = (struct unwind_rules){0};
}

static int find_register(struct machine *machine, const struct unwind_rule *rule,
			 uint64_t *ret)
{
	uint64_t at = machine->frame + (uint64_t)rule->offset;
	int r;

	switch ((enum rule_kind)rule->kind) {
	case RULE_SAVED:
		return machine->read(machine->context, at, ret);
	case RULE_VALUE:
		*ret = at;
		return 0;
	case RULE_REGISTER:
		if (!is_register_known(machine->registers, rule->other))
			return -EFAULT;
		*ret = machine->registers->values[rule->other];
		return 0;
	case RULE_EXPRESSION:
	case RULE_EXPRESSION_VALUE:
		r = evaluate(machine, rule->ops, rule->count, &at);
		if (r < 0)
			return r;
		*ret = at;
		return rule->kind == RULE_EXPRESSION
			       ? machine->read(machine->context, at, ret)
			       : 0;
	}
	return -EFAULT;
}

int unwind_step(const struct unwind_rules *rules, unwind_read *read, void *context,
		struct unwind_registers *registers)
{
	struct machine machine = {
		.registers = registers, .read = read, .context = context};
	struct unwind_registers caller;
	uint64_t self = registers->pc;

	if (!rules->is_known)
		return -EFAULT;
	if (!rules->frame) {
		if (!is_register_known(registers, rules->frame_register))
			return -EFAULT;
		machine.frame = registers->values[rules->frame_register] +
				(uint64_t)rules->frame_offset;
	} else if (evaluate(&machine, rules->frame, rules->frame_count, &machine.frame) <
		   0) {
		return -EFAULT;
	}
	machine.has_frame = true;
	caller.known = registers->known & rules->same;
	memcpy(caller.values, registers->values, sizeof(caller.values));
	for (unsigned i = 0; i < rules->more_count; i++) {
		const struct unwind_rule *rule = &rules->more[i];
		if (find_register(&machine, rule, &caller.values[rule->number]) == 0)
			caller.known |= UINT64_C(1) << rule->number;
	}
	/* The outermost frame says that its return address is lost. */
	if (!is_register_known(&caller, rules->return_register))
		return -ENOENT;
	caller.pc = caller.values[rules->return_register];
#ifdef __aarch64__
	/* The upper bits may sign it (pointer authentication). */
	caller.pc &= (UINT64_C(1) << 48) - 1;
#endif
	if (caller.pc == 0)
		return -ENOENT;
	if (caller.pc == self && caller.values[DWARF_SP] == registers->values[DWARF_SP])
		return -EFAULT; /* it leads to itself */
	*registers = caller;
	return 0;
}
