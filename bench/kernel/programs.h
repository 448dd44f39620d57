/* Between programs.S and the rows. */
#ifndef FB_BENCH_KERNEL_PROGRAMS_H
#define FB_BENCH_KERNEL_PROGRAMS_H

#define BENCH_CALL_GATE_REPLY 53 /* EXO_CALL_GATE_REPLY; rows_gate.cpp asserts it */
#define BENCH_CALL_EVENT_WAIT 42 /* EXO_CALL_EVENT_WAIT; rows_interrupts.cpp asserts it */

#ifndef __ASSEMBLER__
#ifdef __cplusplus
extern "C" {
#endif
/* Code to be copied: from the first to the second. */
void bench_server(void);
void bench_server_end(void);
void bench_caller(void);
void bench_caller_end(void);
/* Runs where it is. */
void bench_waiter(void);
#ifdef __cplusplus
}
#endif
#endif

#endif
