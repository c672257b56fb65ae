/*
 * fpisa for BMv2 (v1model): floating-point aggregation in the switch. See docs/architecture.md for the
 * path of a packet through these files.
 */
#include <core.p4>
#include <v1model.p4>

#include "../shared/constants.p4"
#include "../shared/types.p4"
#include "../shared/values.p4"
#include "../shared/headers.p4"
#include "../shared/format_fp32.p4"
#include "../shared/metadata.p4"

#include "parser.p4"
#include "checksum.p4"
#include "membership.p4"
#include "admission.p4"
#include "rounds.p4"
#include "progress.p4"
#include "byte_order.p4"
#ifdef RESTRICTED_ARITHMETIC
#include "../shared/steps_unpack.p4"
#include "../shared/steps_registers.p4"
#include "../shared/steps_shift.p4"
#include "../shared/steps_shift_narrow.p4"
#include "../shared/steps_read_out.p4"
#include "../shared/steps_read_out_narrow.p4"
#ifdef PAPER_LAYOUT
#include "../shared/paper.p4"
#endif
#include "restricted_elements.p4"
#else
#include "accumulate.p4"
#include "read_out.p4"
#include "elements.p4"
#endif
#include "ascent.p4"
#include "descent.p4"
#include "service.p4"
#include "routing.p4"
#ifdef FAULT_INJECTION
#include "faults.p4"
#endif
#include "ingress.p4"
#include "egress.p4"
#include "deparser.p4"

V1Switch(FpisaParser(),
         FpisaVerifyChecksum(),
         FpisaIngress(),
         FpisaEgress(),
         FpisaComputeChecksum(),
         FpisaDeparser()) main;
