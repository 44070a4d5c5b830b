# Frames of both kinds.
.cfi_sections .eh_frame, .debug_frame
	.text
	.cfi_startproc
f:
	r0 = 1
	.cfi_def_cfa 10, 16
	.cfi_offset 6, -8
	r0 = 1
	.cfi_rel_offset 7, 8
	.cfi_remember_state
	.cfi_adjust_cfa_offset 8
	exit
	.cfi_restore_state
	.cfi_same_value 8
	.cfi_restore 9
	.cfi_undefined 1
	.cfi_register 1, 2
	.cfi_escape 0x1, 2
	.cfi_window_save
	exit
	.cfi_endproc
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_return_column 5
	exit
	.cfi_endproc
	.cfi_startproc
	.fill 100, 8, 0
	.cfi_def_cfa_offset 8
	.fill 300, 8, 0
	.cfi_def_cfa_register 70
	.fill 70000, 8, 0
	.cfi_offset 70, -16
	.cfi_offset 3, 16
	.cfi_restore 70
	exit
	.cfi_endproc
	.section xdp,"ax"
	.cfi_startproc
	exit
	.cfi_endproc
