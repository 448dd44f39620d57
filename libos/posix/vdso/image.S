// The linked vDSO, as bytes of the LibOS.
  .section .rodata.vdso_image, "a"
  .balign 8
  .global vdso_image_start
  .global vdso_image_end
vdso_image_start:
  .incbin "linux-vdso.so.1"
vdso_image_end:
  .section .note.GNU-stack, "", @progbits
