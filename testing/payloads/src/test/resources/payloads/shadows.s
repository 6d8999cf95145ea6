# Interrupt shadows of STI and MOV SS, interrupts between instructions, NMI and its blocking until IRET (SDM vol. 3A, 6.7, 6.8).
# expect: STI 0000000000000001
# expect: MOV SS 0000000000000001
# expect: HLT woke
# expect: NMI 0000000000000001
# expect: NMI 0000000000000002
# expect: one at a time
.include "common64.inc"
.set APIC, 0xfee00000
.macro HANDLER vector, target
        mov     eax, offset \target
        mov     [0x5000 + \vector * 16], ax
        shr     eax, 16
        mov     [0x5000 + \vector * 16 + 6], ax
.endm
main:
        mov     dword ptr [PTE + 0xc00 * 8], 0xfee00003 | 0x10  # the local APIC at C00000h, uncached
        invlpg  [0xc00000]
        mov     dword ptr [0xc000f0], 0x1ff             # software enable
        HANDLER 0x50, interrupt
        HANDLER 2, nmi
        xor     ebx, ebx
        mov     dword ptr [0xc00300], 0x40050           # self IPI, vector 50h; interrupts are off
        sti
        inc     ebx                                     # one instruction is in the shadow
        inc     ebx
        cli
        PRINT   "STI "
        SHOW    rcx
        xor     ebx, ebx
        mov     ax, ss
        mov     dword ptr [0xc00300], 0x40050
        push    0x202
        mov     rdx, rsp
        popfq                                           # no shadow here: the interrupt comes at once
        cli
        cmp     ecx, 0
        jne     fail
        xor     ebx, ebx
        mov     ax, DATA
        sti
        nop
        cli
        mov     dword ptr [0xc00300], 0x40050
        sti
        mov     ss, ax                                  # in STI's shadow, and begins one of its own, which is honoured
        inc     ebx
        inc     ebx
        cli
        PRINT   "MOV SS "
        SHOW    rcx
        mov     dword ptr [0xc003e0], 0xb               # timer: divide by one, one shot, vector 50h
        mov     dword ptr [0xc00320], 0x50
        mov     dword ptr [0xc00380], 1000
        sti
        hlt
        cli
        PRINT   "HLT woke\n"
        xor     r8d, r8d
        xor     r9d, r9d
        mov     dword ptr [0xc00300], 0x40400           # NMI to self, twice: the second waits for IRET
        mov     ecx, 1000                               # an IPI takes its time
1:      cmp     r8d, 2
        je      2f
        loop    1b
        jmp     fail
2:      PRINT   "one at a time\n"
        EXIT
fail:   PRINT   "failed\n"
        EXIT
interrupt:
        mov     ecx, ebx
        mov     dword ptr [0xc000b0], 0
        iretq
nmi:    inc     r9d
        cmp     r9d, 1
        jne     fail
        inc     r8d
        PRINT   "NMI "
        SHOW    r8
        cmp     r8d, 2
        je      1f
        mov     dword ptr [0xc00300], 0x40400
        nop
        nop
1:      dec     r9d
        iretq
