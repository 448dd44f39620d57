// A dynamic program that nobody built for FeuerBird: shows its words and its input, leaves a folder behind, ends with 5.
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

void greet(const char* name);

static int leave(const char* path, const char* text) {
  FILE* const file = fopen(path, "w");
  if (file == NULL) return 1;
  return fputs(text, file) < 0 || fclose(file) != 0;
}

int main(int count, char** words) {
  for (int i = 0; i != count; ++i) greet(words[i]);
  volatile double angle = 0;
  printf(" %.0f\n", cos(angle));
  for (int c = getchar(); c != EOF; c = getchar()) putchar(c);
  fputs("to error\n", stderr);
  if (mkdir("left", 0750) != 0 || leave("left/a file", "contents") != 0 || leave("left/empty", "") != 0)
    return 1;
  return 5;
}
