module example.com/filter

go 1.26.0

require ebtools v0.0.0

require (
	github.com/cilium/ebpf v0.22.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace ebtools => ../..
