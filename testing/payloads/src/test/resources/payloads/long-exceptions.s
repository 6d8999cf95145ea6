# Every exception in 64-bit mode with its error code (SDM vol. 3A, 6.15).
# expect: 00 0000 +00
# expect: 03 0000 +01
# expect: 06 0000 +00
# expect: 06 0000 +00
# expect: 07 0000 +00
# expect: 0B 0048 +00
# expect: 0D 0100 +00
# expect: 0D 0000 +00
# expect: 0C 0000 +00
# expect: 0C 0000 +00
# expect: 0E 0002 +00 00900000
# expect: 0D 0402 +00
# expect: 10 0000 +00
# expect: 13 0000 +00
# expect: 0D 0000 +00
# expect: 01 0000 +01
# expect: 01 0000 +05
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0E 0005 +00 00100000
# expect: 11 0000 +00
# expect: 06 0000 +00
.include "common64.inc"
main:
        xor     bl, bl
        RAISES  div bl
        RAISES  int3
        RAISES  ud2
        RAISES  .byte 0x06              # PUSH ES
        mov     rax, cr0
        or      rax, 8
        mov     cr0, rax
        RAISES  fldz
        clts
        mov     ax, NOT_PRESENT
        RAISES  mov ds, ax
        mov     ax, BEYOND
        RAISES  mov ds, ax
        mov     rax, 0x800000000000     # not canonical
        RAISES  mov rbx, [rax]
        mov     rbp, rax
        RAISES  mov rbx, [rbp]
        mov     rbx, rsp
        mov     dword ptr [0x5000 + 12 * 16 + 4], 0xee01        # the handler gets a stack of its own
        lea     rsp, [rax + 8]
        RAISES  push rbx
        mov     rsp, rbx
        PAGE    0x900000, 0
        RAISES  mov [0x900000], rbx
        RAISES  int 0x80
        fninit
        push    0x37b
        fldcw   [rsp]
        mov     rax, cr0
        or      rax, 0x20
        mov     cr0, rax
        fld1
        fldz
        fdivp
        RAISES  fwait
        fninit
        mov     dword ptr [rsp], 0x1d80 # ZM clear
        ldmxcsr [rsp]
        mov     eax, 0x3f800000
        movd    xmm0, eax
        pxor    xmm1, xmm1
        RAISES  divss xmm0, xmm1
        mov     dword ptr [rsp], 0x1f80
        ldmxcsr [rsp]
        RAISES  movaps xmm0, [rsp + 4]
        RAISES  .byte 0xf1
        pushfq
        or      dword ptr [rsp], 0x100
        mov     dword ptr [subject], offset 3f
        mov     dword ptr [resume], offset 4f
        popfq
3:      mov     ebx, 0x1234
4:      mov     rax, cr0
        or      rax, 0x40000
        mov     cr0, rax
        PAGE    0x6000, 7
        PAGE    0x5000, 7
        PAGE    0x8000, 7
        PAGE    0x9000, 7
        TO_USER
        RAISES  hlt
        RAISES  in al, 0x21
        RAISES  mov al, [0x100000]
        pushfq
        or      dword ptr [rsp], 0x40000
        popfq
        RAISES  mov eax, [range + 1]
        pushfq
        and     dword ptr [rsp], 0xfffbffff
        popfq
        RAISES  ud2
        EXIT
        .balign 8
range:  .quad   0
