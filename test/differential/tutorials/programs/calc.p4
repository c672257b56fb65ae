// Arithmetic on the operands in a packet, which goes back where it came from; looked ahead before it is parsed.
#include "common.p4"
const bit<16> TYPE_CALC = 0x1234;
header calc_t { bit<8> p; bit<8> four; bit<8> ver; bit<8> op; bit<32> operand_a; bit<32> operand_b; bit<32> res; }
struct metadata {}
struct headers { ethernet_t ethernet; calc_t calc; }
parser MyParser(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) { TYPE_CALC: check_calc; default: accept; }
    }
    state check_calc {
        transition select(packet.lookahead<calc_t>().p, packet.lookahead<calc_t>().four,
                          packet.lookahead<calc_t>().ver) {
            (0x50, 0x34, 0x01): parse_calc;
            default: accept;
        }
    }
    state parse_calc { packet.extract(hdr.calc); transition accept; }
}
NO_VERIFICATION
control MyIngress(inout headers hdr, inout metadata meta, inout standard_metadata_t std) {
    action send_back(bit<32> result) {
        mac_t mac = hdr.ethernet.dstAddr;
        hdr.calc.res = result;
        hdr.ethernet.dstAddr = hdr.ethernet.srcAddr;
        hdr.ethernet.srcAddr = mac;
        std.egress_spec = std.ingress_port;
    }
    action operation_add() { send_back(hdr.calc.operand_a + hdr.calc.operand_b); }
    action operation_sub() { send_back(hdr.calc.operand_a - hdr.calc.operand_b); }
    action operation_and() { send_back(hdr.calc.operand_a & hdr.calc.operand_b); }
    action operation_or() { send_back(hdr.calc.operand_a | hdr.calc.operand_b); }
    action operation_xor() { send_back(hdr.calc.operand_a ^ hdr.calc.operand_b); }
    action operation_drop() { mark_to_drop(std); }
    table calculate {
        key = { hdr.calc.op: exact; }
        actions = { operation_add; operation_sub; operation_and; operation_or; operation_xor; operation_drop; }
        const default_action = operation_drop();
        const entries = {
            0x2b: operation_add();
            0x2d: operation_sub();
            0x26: operation_and();
            0x7c: operation_or();
            0x5e: operation_xor();
        }
    }
    apply { if (hdr.calc.isValid()) calculate.apply(); else operation_drop(); }
}
NO_EGRESS
NO_CHECKSUM
DEPARSER(packet.emit(hdr.ethernet); packet.emit(hdr.calc);)
SWITCH
