/*
 * Queries in the switch, for BMv2 (v1model): rows in transit from workers to a master are summed by group, compared,
 * and dropped if they cannot matter. See docs/queries.md.
 */
#include <core.p4>
#include <v1model.p4>

#include "constants.p4"
#include "headers.p4"
#include "metadata.p4"
#include "format.p4"

#include "parser.p4"
#include "../checksum.p4"
#include "order.p4"
#include "hash.p4"
#include "membership.p4"
#include "groups.p4"
#include "top.p4"
#include "bloom.p4"
#include "drain.p4"
#include "operators.p4"
#include "flows.p4"
#include "removal.p4"
#include "service.p4"
#include "../routing.p4"
#include "ingress.p4"
#include "egress.p4"
#include "deparser.p4"

V1Switch(QueryParser(),
         FpisaVerifyChecksum(),
         QueryIngress(),
         QueryEgress(),
         FpisaComputeChecksum(),
         QueryDeparser()) main;
