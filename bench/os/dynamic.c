/* What the row exec-dynamic executes: a program that needs the C library at its start, and then does nothing. */
int main(void) { return 0; }
