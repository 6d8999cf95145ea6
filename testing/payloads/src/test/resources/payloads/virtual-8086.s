# Virtual-8086 mode: entry by IRET, what is allowed with IOPL 3 and 0, interrupts out of it and back (SDM vol. 3B, 20.2).
# expect: 06 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: int from V86: EFLAGS.VM CS 0100 SS 0300 DS 0200
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
.include "common32.inc"
gate_entry:
main:
        mov     eax, offset report
        mov     [0x5000 + 0x7f * 8], ax
        mov     eax, offset exit                # INT3 ends
        mov     [0x5000 + 3 * 8], ax
        mov     esi, offset code16              # the code goes to 0100:0000
        mov     edi, 0x1000
        mov     ecx, offset code16_end - code16
        rep movsb
        push    0                               # GS, FS
        push    0
        push    0x200                           # DS
        push    0x200                           # ES
        push    0x300                           # SS
        push    0x800                           # ESP
        push    0x23202                         # VM, IOPL 3, IF
        push    0x100
        push    0
        iretd
report: push    ds
        mov     bp, DATA
        mov     ds, bp
        mov     es, bp
        PRINT   "int from V86: "
        test    dword ptr [esp + 12], 0x20000
        jz      1f
        PRINT   "EFLAGS.VM"
1:      PRINT   " CS "
        mov     ax, [esp + 8]
        call    hex16
        PRINT   " SS "
        mov     ax, [esp + 20]
        call    hex16
        PRINT   " DS "
        mov     ax, [esp + 28]
        call    hex16
        mov     al, 10
        out     0xe9, al
        and     dword ptr [esp + 12], 0xffffcfff        # IOPL 0 from here on
        add     esp, 4
        iretd
.macro V86 insn:vararg
        mov     eax, offset 771f - code16
        mov     fs:[subject], eax
        mov     eax, offset 772f - code16
        mov     fs:[resume], eax
771:    \insn
772:
.endm
.code16
code16: mov     ax, 0                           # FS reaches what the handler reads
        mov     fs, ax
        V86     ud2
        V86     hlt
        V86     mov eax, cr0
        cli
        sti
        pushf
        popf
        int     0x7f
        V86     cli
        V86     pushf
        V86     int 0x7f
        V86     in al, 0x21
        int3                                    # needs no IOPL
code16_end:
.code32
