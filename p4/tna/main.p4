/*
 * fpisa for Tofino and Tofino 2 (TNA): floating-point aggregation in the switch, FPISA-A. The files have the names of those in
 * ../v1model where they mean the same; docs/tofino.md has the layouts and what they take.
 */
#include <core.p4>

#include "../shared/constants.p4"
#include "target.p4"
#include "../shared/priorities.p4"
#include "../shared/types.p4"
#include "../shared/values.p4"
#include "../shared/headers.p4"
#include "../shared/format_fp32.p4"
#include "../shared/steps_unpack.p4"
#include "../shared/steps_registers.p4"
#include "../shared/steps_shift.p4"
#include "../shared/steps_shift_narrow.p4"
#include "../shared/steps_read_out.p4"
#include "../shared/steps_read_out_narrow.p4"

#include "headers.p4"
#include "parser.p4"
#include "membership.p4"
#include "rounds.p4"
#include "progress.p4"
#include "byte_order.p4"
#ifdef PAPER_LAYOUT
#include "../shared/paper.p4"
#endif
#include "elements.p4"
#include "read_out.p4"
#include "probes.p4"
#include "admission.p4"
#include "routing.p4"
#include "ingress.p4"
#include "egress.p4"
#include "deparser.p4"

Pipeline(FpisaIngressParser(),
         FpisaIngress(),
         FpisaIngressDeparser(),
         FpisaEgressParser(),
         FpisaEgress(),
         FpisaEgressDeparser()) pipe;

@egress_intrinsic_metadata_opt
Switch(pipe) main;
