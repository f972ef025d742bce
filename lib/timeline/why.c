/* The reasons for an empty cell, in words. */
#include <sonde/timeline.h>

const char *sonde_why_text(enum sonde_why why)
{
	static const char *const texts[] = {
		[SONDE_WHY_NONE] = "",
		[SONDE_WHY_KERNEL_SYN_ACK] = "the kernel answers the call",
		[SONDE_WHY_KERNEL_ACK] = "the kernel acknowledges",
		[SONDE_WHY_KERNEL_RESET] = "the kernel refuses: no socket for it",
		[SONDE_WHY_KERNEL_ICMP] = "the kernel reports an error",
		[SONDE_WHY_KERNEL_ECHO] = "the kernel answers the echo request",
		[SONDE_WHY_KERNEL_NEIGHBOUR] = "the kernel speaks to its neighbours",
		[SONDE_WHY_KERNEL_PROBE] = "the kernel asks if the peer is there",
		[SONDE_WHY_NOT_TRACED] = "its sender is not traced",
		[SONDE_WHY_NOT_SEEN] = "its call was not recorded",
		[SONDE_WHY_NOT_JOINED] = "neither TCP nor UDP: not joined",
		[SONDE_WHY_NOT_BLOCKED] = "it was there already",
		[SONDE_WHY_BUFFERED] = "the kernel's buffer took it",
		[SONDE_WHY_AT_ONCE] = "it came back at once",
		[SONDE_WHY_TIMED_OUT] = "timed out",
		[SONDE_WHY_STILL_WAITING] = "still waiting at the end",
		[SONDE_WHY_INTERRUPTED] = "interrupted by a signal",
		[SONDE_WHY_NO_PACKETS] = "no packets were captured",
		[SONDE_WHY_PACKET_NOT_SEEN] = "the packet was not captured",
		[SONDE_WHY_OWN_SIDE] = "completed by this machine itself",
		[SONDE_WHY_MAYBE] = "too close to tell",
		[SONDE_WHY_CALL_NOT_SEEN] = "no packets there; call not known",
	};

	if ((unsigned)why >= sizeof(texts) / sizeof(*texts))
		return "";
	return texts[why];
}
