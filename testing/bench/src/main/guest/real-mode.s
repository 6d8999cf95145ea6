# A Multiboot kernel that goes to real mode and works there: a letter on the serial port begins, one ends each piece of work.
# ROUNDS says how much there is.
.intel_syntax noprefix
.set REAL, 0x8000                       # where the code for real mode is copied to
.set SERIAL, 0x3f8
.code32
        .long   0x1badb002, 0, -0x1badb002
        .globl  start
start:  cli
        mov     esi, offset real
        mov     edi, REAL
        mov     ecx, offset real_end - real
        cld
        rep movsb
        lgdt    [gdtr]
        jmp     8:REAL + leave_protected - real
        .balign 8
gdt:    .quad   0
        .quad   0x00009b000000ffff      # 16-bit code
        .quad   0x000093000000ffff      # data of 64 KiB
gdtr:   .word   23
        .long   gdt

.code16
.macro MARK letter
        mov     al, \letter
        mov     dx, SERIAL
        out     dx, al
.endm
real:
leave_protected:
        mov     ax, 16
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        .byte   0xea
        .word   REAL + begin - real, 0
begin:  xor     ax, ax
        mov     ss, ax
        mov     sp, 0x7000
        mov     ax, 0x1000
        mov     ds, ax
        mov     ax, 0x2000
        mov     es, ax
        mov     dx, SERIAL + 3          # eight bits a character
        mov     al, 3
        out     dx, al
        MARK    'S'
        call    integer
        MARK    'I'
        call    memory
        MARK    'M'
        call    calls
        MARK    'C'
        call    segments
        MARK    'F'
1:      hlt
        jmp     1b

integer:                                # shifts and exclusive ors between registers
        mov     dx, ROUNDS
        mov     ax, 1
1:      xor     cx, cx
2:      mov     bx, ax
        shl     bx, 7
        xor     ax, bx
        mov     bx, ax
        shr     bx, 9
        xor     ax, bx
        mov     bx, ax
        shl     bx, 8
        xor     ax, bx
        add     si, ax
        loop    2b
        dec     dx
        jnz     1b
        ret

memory:                                 # words of two segments
        mov     dx, ROUNDS
        xor     si, si
        xor     di, di
1:      xor     cx, cx
2:      mov     ax, [si]
        add     ax, [si + 0x4000]
        inc     ax
        mov     es:[di], ax
        add     [si], ax
        add     si, 2
        and     si, 0x3ffe
        lea     di, [si + 0x2000]
        loop    2b
        dec     dx
        jnz     1b
        ret

calls:  mov     cx, ROUNDS              # Fibonacci of 20, with frames as compilers make them: 21891 calls
1:      mov     ax, 20
        call    fibonacci
        loop    1b
        ret
fibonacci:
        cmp     ax, 2
        jb      1f
        push    bp
        mov     bp, sp
        push    ax
        dec     ax
        call    fibonacci
        push    ax
        mov     ax, [bp - 2]
        sub     ax, 2
        call    fibonacci
        add     ax, [bp - 4]
        leave
1:      ret

segments:                               # bytes one by one, a segment register and a far call for each 16
        mov     dx, ROUNDS
1:      mov     bx, 0x400
2:      push    ds
        mov     ax, 0x3000
        mov     ds, ax
        mov     cx, 16
3:      lodsb
        xor     al, dl
        stosb
        loop    3b
        pop     ds
        .byte   0x9a                    # CALL far
        .word   REAL + distant - real, 0
        dec     bx
        jnz     2b
        dec     dx
        jnz     1b
        ret
distant:
        inc     bp
        retf
real_end:
