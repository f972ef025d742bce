/* libpcap compiles; see filter.h.
 *
 * libpcap is loaded when a filter is given and not before: it brings along D-Bus, systemd
 * and five more libraries, for which every start of the program would pay.
 *
 * Its code counts from the link header on, which is right for Ethernet, with one
 * exception: the kernel takes the VLAN tag out of a packet before filters see it. A handle
 * that is open on a live interface makes code that asks the kernel for the tag; one that
 * is not makes code that looks for it in the bytes, in vain.  So `vlan` needs a live
 * handle, and loopback is a live interface that always exists.
 *
 * Of other links only IP is captured, and the ring gives it from the IP header on. The
 * kernel runs filters on the whole packet, but it knows where the network header is:
 * loads at k become loads at SKF_NET_OFF + k. */
#include "capture/filter.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_arp.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct library {
	pcap_t *(*open_dead)(int link, int snap_bytes);
	pcap_t *(*create)(const char *interface, char *reason);
	int (*set_snaplen)(pcap_t *pcap, int snap_bytes);
	int (*set_buffer_size)(pcap_t *pcap, int bytes);
	int (*activate)(pcap_t *pcap);
	int (*compile)(pcap_t *pcap, struct bpf_program *program, const char *text,
		       int optimize, bpf_u_int32 netmask);
	void (*freecode)(struct bpf_program *program);
	char *(*geterr)(pcap_t *pcap);
	void (*close)(pcap_t *pcap);
};

static bool look_up(void *handle, const char *name, void *function)
{
	void *found = dlsym(handle, name);

	memcpy(function, &found, sizeof(found));
	return found;
}

static int load(struct library *library, struct sonde_error *err)
{
	void *handle = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL);

	if (!handle) /* outside of Debian */
		handle = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
	if (handle && look_up(handle, "pcap_open_dead", &library->open_dead) &&
	    look_up(handle, "pcap_create", &library->create) &&
	    look_up(handle, "pcap_set_snaplen", &library->set_snaplen) &&
	    look_up(handle, "pcap_set_buffer_size", &library->set_buffer_size) &&
	    look_up(handle, "pcap_activate", &library->activate) &&
	    look_up(handle, "pcap_compile", &library->compile) &&
	    look_up(handle, "pcap_freecode", &library->freecode) &&
	    look_up(handle, "pcap_geterr", &library->geterr) &&
	    look_up(handle, "pcap_close", &library->close))
		return 0;
	sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOENT, "compile",
			"the capture filter", "libpcap is not installed");
	sonde_error_hint(err, "apt-get install libpcap0.8, or capture without a filter");
	return -ENOENT;
}

/* NULL without the privilege, and where loopback is down. */
static pcap_t *open_live(const struct library *library, uint32_t snap_bytes)
{
	char reason[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = library->create("lo", reason);

	if (!pcap)
		return NULL;
	library->set_snaplen(pcap, (int)snap_bytes);
	library->set_buffer_size(pcap, 1 << 16);
	if (library->activate(pcap) >= 0)
		return pcap;
	library->close(pcap);
	return NULL;
}

static int fail_text(const char *text, const char *reason, struct sonde_error *err)
{
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "compile the capture filter",
			text, "%s", reason);
	if (strstr(text, "==") || strstr(text, "&&") || strpbrk(text, ".="))
		sonde_error_hint(err, "capture filters are libpcap's (tcp port 80 and "
				      "host 192.0.2.1; pcap-filter(7)); display "
				      "filters are for sonde read -Y");
	else
		sonde_error_hint(err, "the language is that of pcap-filter(7): tcp port "
				      "80 and host 192.0.2.1");
	return -EINVAL;
}

/* The program that libpcap makes, as the kernel wants it. */
static int compile(const struct library *library, pcap_t *pcap, const char *text,
		   struct filter *ret, struct sonde_error *err)
{
	struct bpf_program program;
	struct sock_filter *code;
	int r = 0;

	if (!pcap)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "compile",
				       "the capture filter", NULL);
	if (library->compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return fail_text(text, library->geterr(pcap), err);
	code = calloc(program.bf_len, sizeof(*code));
	if (code) {
		for (unsigned i = 0; i < program.bf_len; i++)
			code[i] = (struct sock_filter){
				.code = program.bf_insns[i].code,
				.jt = program.bf_insns[i].jt,
				.jf = program.bf_insns[i].jf,
				.k = program.bf_insns[i].k,
			};
		*ret = (struct filter){.code = code, .count = program.bf_len};
	} else {
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "compile",
				    "the capture filter", NULL);
	}
	library->freecode(&program);
	return r;
}

static int compile_ethernet(const struct library *library, const char *text,
			    uint32_t snap_bytes, struct filter *ret,
			    struct sonde_error *err)
{
	pcap_t *pcap = open_live(library, snap_bytes);
	int r;

	if (!pcap)
		pcap = library->open_dead(DLT_EN10MB, (int)snap_bytes);
	r = compile(library, pcap, text, ret, err);
	if (pcap)
		library->close(pcap);
	return r;
}

static void count_from_network_header(struct filter *filter)
{
	for (size_t i = 0; i < filter->count; i++) {
		struct sock_filter *line = &filter->code[i];
		unsigned mode = BPF_MODE(line->code);

		if ((BPF_CLASS(line->code) == BPF_LD &&
		     (mode == BPF_ABS || mode == BPF_IND)) ||
		    (BPF_CLASS(line->code) == BPF_LDX && mode == BPF_MSH))
			line->k += (uint32_t)SKF_NET_OFF;
	}
}

static int compile_ip(const struct library *library, const char *text,
		      uint32_t snap_bytes, struct filter *ret, struct sonde_error *err)
{
	pcap_t *pcap = library->open_dead(DLT_RAW, (int)snap_bytes);
	int r = compile(library, pcap, text, ret, err);

	if (pcap)
		library->close(pcap);
	if (r == 0)
		count_from_network_header(ret);
	return r;
}

/* What the kernel says of the packet's link decides which of the two is run. */
static int compile_any(const struct library *library, const char *text,
		       uint32_t snap_bytes, struct filter *ret, struct sonde_error *err)
{
	static const struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct filter ethernet = {0}, ip = {0};
	struct sock_filter *code;
	size_t ip_count;
	int r = compile_ethernet(library, text, snap_bytes, &ethernet, err);

	if (r < 0)
		return r;
	/* What only Ethernet knows ("ether host") lets nothing of other links through. */
	if (compile_ip(library, text, snap_bytes, &ip, NULL) == -ENOMEM) {
		filter_done(&ethernet);
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "compile",
				       "the capture filter", NULL);
	}
	ip_count = ip.code ? ip.count : 1;
	code = calloc(4 + ethernet.count + ip_count, sizeof(*code));
	if (!code) {
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "compile",
				    "the capture filter", NULL);
		goto out;
	}
	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       SKF_AD_OFF + SKF_AD_HATYPE);
	code[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_ETHER, 2,
					       0);
	code[2] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK,
					       1, 0);
	code[3] =
		(struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)ethernet.count);
	memcpy(code + 4, ethernet.code, ethernet.count * sizeof(*code));
	memcpy(code + 4 + ethernet.count, ip.code ? ip.code : none,
	       ip_count * sizeof(*code));
	*ret = (struct filter){.code = code, .count = 4 + ethernet.count + ip_count};
out:
	filter_done(&ethernet);
	filter_done(&ip);
	return r;
}

static int take_all(uint32_t snap_bytes, struct filter *ret, struct sonde_error *err)
{
	struct sock_filter *code = calloc(1, sizeof(*code));

	if (!code)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "compile",
				       "the capture filter", NULL);
	*code = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, snap_bytes);
	*ret = (struct filter){.code = code, .count = 1};
	return 0;
}

int filter_compile(const char *text, enum filter_for what, uint32_t snap_bytes,
		   struct filter *ret, struct sonde_error *err)
{
	struct library library;
	int r;

	if (!text[strspn(text, " \t\n")])
		return take_all(snap_bytes, ret, err);
	r = load(&library, err);
	if (r < 0)
		return r;
	if (what == FILTER_FOR_ETHERNET)
		return compile_ethernet(&library, text, snap_bytes, ret, err);
	if (what == FILTER_FOR_IP)
		return compile_ip(&library, text, snap_bytes, ret, err);
	return compile_any(&library, text, snap_bytes, ret, err);
}

void filter_done(struct filter *filter)
{
	free(filter->code);
	*filter = (struct filter){0};
}
