/* The fields of TCP. */
#include "dissect/dissect_tcp.h"

static const struct sonde_value_name checksum_statuses[] = {
	{0, "Bad"}, {1, "Good"}, {2, "Unverified"}, {3, "Not present"}, {0, NULL}};
static const struct sonde_value_name option_kinds[] = {
	{0, "End of Option List"},
	{1, "No-Operation"},
	{2, "Maximum Segment Size"},
	{3, "Window Scale"},
	{4, "SACK Permitted"},
	{5, "SACK"},
	{6, "Echo"},
	{7, "Echo Reply"},
	{8, "Time Stamp Option"},
	{19, "MD5 Signature Option"},
	{28, "User Timeout Option"},
	{29, "TCP Authentication Option"},
	{30, "Multipath TCP"},
	{34, "TCP Fast Open Cookie"},
	{253, "RFC3692-style Experiment 1"},
	{254, "RFC3692-style Experiment 2"},
	{0, NULL}};

const struct sonde_field_info tcp_fields[TCP_FIELDS] = {
	[TCP] = FIELD("tcp", "Transmission Control Protocol", PROTOCOL),
	[TCP_SOURCE_PORT] = NUMBER("tcp.srcport", "Source Port", 16, DECIMAL, NULL),
	[TCP_DESTINATION_PORT] =
		NUMBER("tcp.dstport", "Destination Port", 16, DECIMAL, NULL),
	[TCP_PORT] = NUMBER("tcp.port", "Source or Destination Port", 16, DECIMAL, NULL),
	[TCP_STREAM] = NUMBER("tcp.stream", "Stream index", 32, DECIMAL, NULL),
	[TCP_COMPLETENESS] =
		NUMBER("tcp.completeness", "Conversation completeness", 8, DECIMAL, NULL),
	[TCP_LENGTH] = NUMBER("tcp.len", "TCP Segment Len", 32, DECIMAL, NULL),
	[TCP_SEQ] = NUMBER("tcp.seq", "Sequence Number", 32, DECIMAL, NULL),
	[TCP_SEQ_RAW] = NUMBER("tcp.seq_raw", "Sequence Number (raw)", 32, DECIMAL, NULL),
	[TCP_NEXT_SEQ] = NUMBER("tcp.nxtseq", "Next Sequence Number", 32, DECIMAL, NULL),
	[TCP_ACK] = NUMBER("tcp.ack", "Acknowledgment Number", 32, DECIMAL, NULL),
	[TCP_ACK_RAW] =
		NUMBER("tcp.ack_raw", "Acknowledgment number (raw)", 32, DECIMAL, NULL),
	[TCP_HEADER_LENGTH] = NUMBER("tcp.hdr_len", "Header Length", 8, DECIMAL, NULL),
	[TCP_FLAGS] = NUMBER("tcp.flags", "Flags", 16, HEX, NULL),
	[TCP_FLAG_RES] = FIELD("tcp.flags.res", "Reserved", BOOL),
	[TCP_FLAG_AE] = FIELD("tcp.flags.ae", "Accurate ECN", BOOL),
	[TCP_FLAG_CWR] = FIELD("tcp.flags.cwr", "Congestion Window Reduced", BOOL),
	[TCP_FLAG_ECE] = FIELD("tcp.flags.ece", "ECN-Echo", BOOL),
	[TCP_FLAG_URG] = FIELD("tcp.flags.urg", "Urgent", BOOL),
	[TCP_FLAG_ACK] = FIELD("tcp.flags.ack", "Acknowledgment", BOOL),
	[TCP_FLAG_PUSH] = FIELD("tcp.flags.push", "Push", BOOL),
	[TCP_FLAG_RESET] = FIELD("tcp.flags.reset", "Reset", BOOL),
	[TCP_FLAG_SYN] = FIELD("tcp.flags.syn", "Syn", BOOL),
	[TCP_FLAG_FIN] = FIELD("tcp.flags.fin", "Fin", BOOL),
	[TCP_FLAGS_TEXT] = FIELD("tcp.flags.str", "TCP Flags", TEXT),
	[TCP_WINDOW_VALUE] = NUMBER("tcp.window_size_value", "Window", 16, DECIMAL, NULL),
	[TCP_WINDOW] =
		NUMBER("tcp.window_size", "Calculated window size", 32, DECIMAL, NULL),
	[TCP_WINDOW_FACTOR] = {"tcp.window_size_scalefactor",
			       "Window size scaling factor", SONDE_FIELD_INT, 0, 32,
			       NULL},
	[TCP_CHECKSUM] = NUMBER("tcp.checksum", "Checksum", 16, HEX, NULL),
	[TCP_CHECKSUM_STATUS] = NUMBER("tcp.checksum.status", "Checksum Status", 8,
				       DECIMAL, checksum_statuses),
	[TCP_URGENT] = NUMBER("tcp.urgent_pointer", "Urgent Pointer", 16, DECIMAL, NULL),
	[TCP_OPTIONS] = FIELD("tcp.options", "TCP Options", BYTES),
	[TCP_OPTION_KIND] = NUMBER("tcp.option_kind", "Kind", 8, DECIMAL, option_kinds),
	[TCP_OPTION_LENGTH] = NUMBER("tcp.option_len", "Length", 8, DECIMAL, NULL),
	[TCP_OPTION_NOP] =
		FIELD("tcp.options.nop", "TCP Option - No-Operation (NOP)", BYTES),
	[TCP_OPTION_EOL] =
		FIELD("tcp.options.eol", "TCP Option - End of Option List (EOL)", BYTES),
	[TCP_OPTION_MSS] =
		FIELD("tcp.options.mss", "TCP Option - Maximum segment size", BYTES),
	[TCP_OPTION_MSS_VALUE] =
		NUMBER("tcp.options.mss_val", "MSS Value", 16, DECIMAL, NULL),
	[TCP_OPTION_SCALE] =
		FIELD("tcp.options.wscale", "TCP Option - Window scale", BYTES),
	[TCP_OPTION_SCALE_SHIFT] =
		NUMBER("tcp.options.wscale.shift", "Shift count", 8, DECIMAL, NULL),
	[TCP_OPTION_SCALE_MULTIPLIER] =
		NUMBER("tcp.options.wscale.multiplier", "Multiplier", 16, DECIMAL, NULL),
	[TCP_OPTION_SACK_PERMITTED] =
		FIELD("tcp.options.sack_perm", "TCP Option - SACK permitted", BYTES),
	[TCP_OPTION_SACK] = FIELD("tcp.options.sack", "TCP Option - SACK", BYTES),
	[TCP_OPTION_SACK_LEFT] =
		NUMBER("tcp.options.sack_le", "TCP SACK Left Edge", 32, DECIMAL, NULL),
	[TCP_OPTION_SACK_RIGHT] =
		NUMBER("tcp.options.sack_re", "TCP SACK Right Edge", 32, DECIMAL, NULL),
	[TCP_OPTION_SACK_COUNT] =
		NUMBER("tcp.options.sack.count", "TCP SACK Count", 8, DECIMAL, NULL),
	[TCP_OPTION_TIMESTAMP] =
		FIELD("tcp.options.timestamp", "TCP Option - Timestamps", BYTES),
	[TCP_OPTION_TIMESTAMP_VALUE] = NUMBER("tcp.options.timestamp.tsval",
					      "Timestamp value", 32, DECIMAL, NULL),
	[TCP_OPTION_TIMESTAMP_ECHO] = NUMBER("tcp.options.timestamp.tsecr",
					     "Timestamp echo reply", 32, DECIMAL, NULL),
	[TCP_OPTION_MD5] =
		FIELD("tcp.options.md5", "TCP Option - TCP MD5 signature", BYTES),
	[TCP_OPTION_MD5_DIGEST] = FIELD("tcp.options.md5.digest", "MD5 digest", BYTES),
	[TCP_OPTION_FASTOPEN] = FIELD("tcp.options.tfo", "TCP Option - Fast open", BYTES),
	[TCP_OPTION_FASTOPEN_COOKIE] =
		FIELD("tcp.options.tfo.cookie", "Fast Open Cookie", BYTES),
	[TCP_OPTION_EXPERIMENT] =
		FIELD("tcp.options.experimental", "TCP Option - Experimental", BYTES),
	[TCP_OPTION_EXPERIMENT_ID] = NUMBER("tcp.options.experimental.exid",
					    "Experiment Identifier", 16, HEX, NULL),
	[TCP_OPTION_EXPERIMENT_DATA] =
		FIELD("tcp.options.experimental.data", "Data", BYTES),
	[TCP_OPTION_UNKNOWN] =
		FIELD("tcp.options.unknown", "TCP Option - Unknown", BYTES),
	[TCP_OPTION_UNKNOWN_PAYLOAD] =
		FIELD("tcp.options.unknown.payload", "Payload", BYTES),
	[TCP_OPTION_LENGTH_INVALID] =
		FIELD("tcp.option.len.invalid", "Invalid length for option", NOTE),
	[TCP_TIME_RELATIVE] =
		FIELD("tcp.time_relative", "Time since first frame in this TCP stream",
		      DURATION),
	[TCP_TIME_DELTA] =
		FIELD("tcp.time_delta", "Time since previous frame in this TCP stream",
		      DURATION),
	[TCP_ANALYSIS] = FIELD("tcp.analysis", "SEQ/ACK analysis", NOTE),
	[TCP_ANALYSIS_ACKS_FRAME] =
		NUMBER("tcp.analysis.acks_frame",
		       "This is an ACK to the segment in frame", 32, DECIMAL, NULL),
	[TCP_ANALYSIS_ACK_RTT] =
		FIELD("tcp.analysis.ack_rtt", "The RTT to ACK the segment was", DURATION),
	[TCP_ANALYSIS_INITIAL_RTT] = FIELD("tcp.analysis.initial_rtt", "iRTT", DURATION),
	[TCP_ANALYSIS_IN_FLIGHT] = NUMBER("tcp.analysis.bytes_in_flight",
					  "Bytes in flight", 32, DECIMAL, NULL),
	[TCP_ANALYSIS_PUSH] = NUMBER("tcp.analysis.push_bytes_sent",
				     "Bytes sent since last PSH flag", 32, DECIMAL, NULL),
	[TCP_ANALYSIS_FLAGS] = FIELD("tcp.analysis.flags", "TCP Analysis Flags", NOTE),
	[TCP_ANALYSIS_RETRANSMISSION] =
		FIELD("tcp.analysis.retransmission",
		      "This frame is a (suspected) retransmission", NOTE),
	[TCP_ANALYSIS_FAST] =
		FIELD("tcp.analysis.fast_retransmission",
		      "This frame is a (suspected) fast retransmission", NOTE),
	[TCP_ANALYSIS_SPURIOUS] =
		FIELD("tcp.analysis.spurious_retransmission",
		      "This frame is a (suspected) spurious retransmission", NOTE),
	[TCP_ANALYSIS_OUT_OF_ORDER] =
		FIELD("tcp.analysis.out_of_order",
		      "This frame is a (suspected) out-of-order segment", NOTE),
	[TCP_ANALYSIS_REUSED] = FIELD("tcp.analysis.reused_ports",
				      "A new tcp session is started with the same ports "
				      "as an earlier session in this trace",
				      NOTE),
	[TCP_ANALYSIS_LOST] =
		FIELD("tcp.analysis.lost_segment",
		      "Previous segment(s) not captured (common at capture start)", NOTE),
	[TCP_ANALYSIS_ACK_LOST] = FIELD(
		"tcp.analysis.ack_lost_segment",
		"ACKed segment that wasn't captured (common at capture start)", NOTE),
	[TCP_ANALYSIS_WINDOW_UPDATE] =
		FIELD("tcp.analysis.window_update", "TCP window update", NOTE),
	[TCP_ANALYSIS_WINDOW_FULL] = FIELD(
		"tcp.analysis.window_full",
		"TCP window specified by the receiver is now completely full", NOTE),
	[TCP_ANALYSIS_KEEP_ALIVE] =
		FIELD("tcp.analysis.keep_alive", "TCP keep-alive segment", NOTE),
	[TCP_ANALYSIS_KEEP_ALIVE_ACK] = FIELD("tcp.analysis.keep_alive_ack",
					      "ACK to a TCP keep-alive segment", NOTE),
	[TCP_ANALYSIS_DUPLICATE] =
		FIELD("tcp.analysis.duplicate_ack", "Duplicate ACK", NOTE),
	[TCP_ANALYSIS_ZERO_PROBE] =
		FIELD("tcp.analysis.zero_window_probe", "TCP Zero Window Probe", NOTE),
	[TCP_ANALYSIS_ZERO] =
		FIELD("tcp.analysis.zero_window", "TCP Zero Window segment", NOTE),
	[TCP_ANALYSIS_ZERO_PROBE_ACK] = FIELD("tcp.analysis.zero_window_probe_ack",
					      "ACK to a TCP Zero Window Probe", NOTE),
	[TCP_ANALYSIS_DUPLICATE_NUMBER] = NUMBER("tcp.analysis.duplicate_ack_num",
						 "Duplicate ACK #", 32, DECIMAL, NULL),
	[TCP_ANALYSIS_DUPLICATE_FRAME] =
		NUMBER("tcp.analysis.duplicate_ack_frame",
		       "Duplicate to the ACK in frame", 32, DECIMAL, NULL),
	[TCP_ANALYSIS_RTO] =
		FIELD("tcp.analysis.rto", "The RTO for this segment was", DURATION),
	[TCP_ANALYSIS_RTO_FRAME] =
		NUMBER("tcp.analysis.rto_frame", "RTO based on delta from frame", 32,
		       DECIMAL, NULL),
	[TCP_CONNECTION_SYN] =
		FIELD("tcp.connection.syn", "Connection establish request (SYN)", NOTE),
	[TCP_CONNECTION_SYN_ACK] =
		FIELD("tcp.connection.synack",
		      "Connection establish acknowledge (SYN+ACK)", NOTE),
	[TCP_CONNECTION_FIN] =
		FIELD("tcp.connection.fin", "Connection finish (FIN)", NOTE),
	[TCP_CONNECTION_RST] =
		FIELD("tcp.connection.rst", "Connection reset (RST)", NOTE),
	[TCP_PAYLOAD] = FIELD("tcp.payload", "TCP payload", BYTES),
	[TCP_SEGMENT_DATA] = FIELD("tcp.segment_data", "TCP segment data", BYTES),
	[TCP_SEGMENTS] = FIELD("tcp.segments", "Reassembled TCP Segments", NOTE),
	[TCP_SEGMENT] = NUMBER("tcp.segment", "TCP Segment", 32, DECIMAL, NULL),
	[TCP_SEGMENT_COUNT] =
		NUMBER("tcp.segment.count", "Segment count", 32, DECIMAL, NULL),
	[TCP_REASSEMBLED_LENGTH] = NUMBER("tcp.reassembled.length",
					  "Reassembled TCP length", 32, DECIMAL, NULL),
	[TCP_REASSEMBLED_DATA] =
		FIELD("tcp.reassembled.data", "Reassembled TCP Data", BYTES),
	[TCP_BOGUS_HEADER] =
		FIELD("tcp.bogus_header_length", "Bogus TCP Header length", NOTE),
	[TCP_SHORT] = FIELD("tcp.short_segment", "Short segment", NOTE),
};
