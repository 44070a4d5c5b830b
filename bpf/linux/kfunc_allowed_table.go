package linux

import "slices"

// Sets of program types that share a hook of the kernel's (bpf_prog_type_to_kfunc_hook).
var (
	hookTracing = []ProgramType{ProgTracing, ProgTracepoint, ProgPerfEvent, ProgLSM}
	hookCgroup  = []ProgramType{
		ProgCgroupSKB, ProgCgroupSock, ProgCgroupDevice, ProgCgroupSockAddr, ProgCgroupSockopt, ProgCgroupSysctl, ProgSockOps,
	}
	hookGeneric = slices.Concat(hookTracing, hookCgroup, []ProgramType{ProgSchedCLS, ProgXDP, ProgStructOps, ProgSyscall})
)

// kfuncAllowedTable has the functions of kfuncTable that are not common, and who
// may call them in Linux 6.18. A function may be in several rows.
var kfuncAllowedTable = [...]struct {
	types  []ProgramType
	attach []AttachType // nil for all
	names  []string
}{
	{hookGeneric, nil, []string{
		"bpf_cgroup_acquire", "bpf_cgroup_ancestor", "bpf_cgroup_from_id", "bpf_cgroup_release", "bpf_list_back", "bpf_list_front",
		"bpf_list_pop_back", "bpf_list_pop_front", "bpf_list_push_back_impl", "bpf_list_push_front_impl", "bpf_obj_drop_impl",
		"bpf_obj_new_impl", "bpf_percpu_obj_drop_impl", "bpf_percpu_obj_new_impl", "bpf_rbtree_add_impl", "bpf_rbtree_first",
		"bpf_rbtree_left", "bpf_rbtree_remove", "bpf_rbtree_right", "bpf_rbtree_root", "bpf_refcount_acquire_impl",
		"bpf_send_signal_task", "bpf_task_acquire", "bpf_task_from_pid", "bpf_task_from_vpid", "bpf_task_get_cgroup1",
		"bpf_task_release", "bpf_task_under_cgroup", "bpf_throw", "bpf_key_put", "bpf_lookup_system_key", "bpf_lookup_user_key",
	}},
	{append([]ProgramType{ProgStructOps, ProgSyscall}, hookTracing...), nil, []string{
		"bpf_cpumask_acquire", "bpf_cpumask_and", "bpf_cpumask_any_and_distribute", "bpf_cpumask_any_distribute", "bpf_cpumask_clear",
		"bpf_cpumask_clear_cpu", "bpf_cpumask_copy", "bpf_cpumask_create", "bpf_cpumask_empty", "bpf_cpumask_equal", "bpf_cpumask_first",
		"bpf_cpumask_first_and", "bpf_cpumask_first_zero", "bpf_cpumask_full", "bpf_cpumask_intersects", "bpf_cpumask_or",
		"bpf_cpumask_populate", "bpf_cpumask_release", "bpf_cpumask_set_cpu", "bpf_cpumask_setall", "bpf_cpumask_subset",
		"bpf_cpumask_test_and_clear_cpu", "bpf_cpumask_test_and_set_cpu", "bpf_cpumask_test_cpu", "bpf_cpumask_weight", "bpf_cpumask_xor",
	}},
	{[]ProgramType{ProgSyscall}, nil, []string{"bpf_crypto_ctx_acquire", "bpf_crypto_ctx_create", "bpf_crypto_ctx_release"}},
	{append([]ProgramType{ProgXDP}, typesTC...), nil, []string{"bpf_crypto_decrypt", "bpf_crypto_encrypt"}},
	{[]ProgramType{ProgSchedCLS, ProgXDP}, nil, []string{
		"bpf_ct_change_status", "bpf_ct_change_timeout", "bpf_ct_insert_entry", "bpf_ct_release", "bpf_ct_set_nat_info", "bpf_ct_set_status",
		"bpf_ct_set_timeout", "bpf_skb_ct_alloc", "bpf_skb_ct_lookup", "bpf_xdp_ct_alloc", "bpf_xdp_ct_lookup",
	}},
	{slices.Concat(hookCgroup, hookTracing, setLWT, typesTC, []ProgramType{
		ProgSocketFilter, ProgSkSKB, ProgNetfilter,
	}), nil, []string{"bpf_dynptr_from_skb"}},
	{typesTC, nil, []string{"bpf_dynptr_from_skb_meta"}},
	{[]ProgramType{ProgXDP}, nil, []string{
		"bpf_dynptr_from_xdp", "bpf_xdp_get_xfrm_state", "bpf_xdp_metadata_rx_hash", "bpf_xdp_metadata_rx_timestamp",
		"bpf_xdp_metadata_rx_vlan_tag", "bpf_xdp_pull_data", "bpf_xdp_xfrm_state_release",
	}},
	{[]ProgramType{ProgTracing}, []AttachType{AttachTraceIter}, []string{"bpf_sock_destroy"}},
	{[]ProgramType{ProgLSM}, nil, []string{
		"bpf_get_dentry_xattr", "bpf_get_file_xattr", "bpf_get_task_exe_file", "bpf_path_d_path", "bpf_put_file",
		"bpf_remove_dentry_xattr", "bpf_set_dentry_xattr",
	}},
	{[]ProgramType{ProgKprobe}, []AttachType{AttachTraceKprobeSession, AttachTraceUprobeSession}, []string{
		"bpf_session_cookie", "bpf_session_is_return",
	}},
	{[]ProgramType{ProgSchedCLS}, nil, []string{"bpf_sk_assign_tcp_reqsk"}},
	{hookCgroup, nil, []string{"bpf_sock_addr_set_sun_path", "bpf_sock_ops_enable_tx_tstamp"}},
	// For the kernel's own tests.
	{append([]ProgramType{ProgLircMode2}, setMost...), nil, []string{"bpf_modify_return_test_tp"}},
	{append([]ProgramType{ProgSchedCLS, ProgSyscall}, hookTracing...), nil, []string{
		"bpf_kfunc_call_memb_release", "bpf_kfunc_call_test_release",
	}},
}
