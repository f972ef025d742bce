/* A second thread for the one thing that takes a scan's time: system calls that send.
 *
 * To a host nearby the processor that sends walks the whole way there and back inside of
 * the call, and that takes ten times as long as what this program does about a probe.  So
 * a second processor makes such a scan faster.  The mate helps with a batch and sleeps
 * between batches; all else stays with the caller's thread. */
#ifndef SCAN_MATE_H
#define SCAN_MATE_H

struct mate;

/* NULL where there is one processor, or no thread to be had: do it yourself. */
struct mate *mate_new(void);
void mate_free(struct mate *mate);
/* work(context) begins over there.  mate_wait() returns when it has ended, or when it had
 * not begun yet and will not: so both sides take their work, piece by piece, from one
 * counter, and who waits for it has found that counter at its end. */
void mate_begin(struct mate *mate, void (*work)(void *context), void *context);
void mate_wait(struct mate *mate);

#endif
