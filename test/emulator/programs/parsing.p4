// Everything a parser can do: stacks, unions, varbit, lookahead, advance, verify, value sets.
#include <core.p4>
#include <v1model.p4>

error { BadMagic }

header start_t { bit<8> magic; bit<8> kind; }
header label_t { bit<20> label; bit<3> tc; bit<1> bottom; bit<8> ttl; }
header options_t { bit<8> length; varbit<64> data; }
header tall_t { bit<8> tag; bit<32> value; }
header short_t { bit<8> tag; bit<8> value; }
header_union choice_t { tall_t tall; short_t short_; }
header report_t { bit<32> parser_error; bit<8> note; bit<8> valid; }

struct headers_t {
    report_t report;
    start_t start_;
    label_t[3] labels;
    options_t options;
    options_t copied;
    choice_t choice;
}
struct metadata_t { bit<8> note; }

parser parse(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    value_set<bit<8>>(4) special;
    state start {
        p.extract(h.start_);
        verify(h.start_.magic == 0xaa, error.BadMagic);
        transition select(h.start_.kind) {
            1: labels;
            2: options;
            3: union_;
            4: skip;
            0x10 &&& 0xf0: masked;
            special: in_set;
            default: accept;
        }
    }
    state labels {
        p.extract(h.labels.next);
        transition select(h.labels.last.bottom) { 0: labels; 1: accept; }
    }
    state options {
        bit<8> length = p.lookahead<bit<8>>();
        p.extract(h.options, (bit<32>) length * 8);
        transition accept;
    }
    state union_ {
        transition select(p.lookahead<bit<8>>()) { 1: tall; default: short_; }
    }
    state tall { p.extract(h.choice.tall); transition accept; }
    state short_ { p.extract(h.choice.short_); transition accept; }
    state skip { p.advance(24); m.note = 4; transition accept; }
    state masked { m.note = 0x10; transition accept; }
    state in_set { m.note = 0x99; transition accept; }
}

control verify_(inout headers_t h, inout metadata_t m) { apply {} }
control update(inout headers_t h, inout metadata_t m) { apply {} }
control egress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) { apply {} }

control ingress_(inout headers_t h, inout metadata_t m, inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 2;
        h.report.setValid();
        h.report.note = m.note;
        if (sm.parser_error == error.NoError) { h.report.parser_error = 0; }
        else if (sm.parser_error == error.PacketTooShort) { h.report.parser_error = 1; }
        else if (sm.parser_error == error.StackOutOfBounds) { h.report.parser_error = 3; }
        else if (sm.parser_error == error.HeaderTooShort) { h.report.parser_error = 4; }
        else if (sm.parser_error == error.BadMagic) { h.report.parser_error = 9; }
        h.report.valid = 0;
        if (h.labels[0].isValid()) { h.report.valid = h.report.valid | 1; }
        if (h.labels[1].isValid()) { h.report.valid = h.report.valid | 2; }
        if (h.labels[2].isValid()) { h.report.valid = h.report.valid | 4; }
        if (h.choice.tall.isValid()) { h.report.valid = h.report.valid | 8; }
        if (h.choice.short_.isValid()) { h.report.valid = h.report.valid | 16; }
        if (h.options.isValid()) { h.copied = h.options; }
        if (h.choice.tall.isValid()) { h.choice.short_.setValid(); h.choice.short_.tag = 7; h.choice.short_.value = 8; }
        if (h.start_.kind == 1 && h.start_.magic == 0xaa && h.labels[0].isValid() && h.labels[0].ttl == 1) { h.labels.pop_front(1); }
        if (h.start_.kind == 1 && h.labels[0].isValid() && h.labels[0].ttl == 2) { h.labels.push_front(1); h.labels[0].setValid(); h.labels[0].label = 0xabcde; }
    }
}

control deparse(packet_out p, in headers_t h) {
    apply { p.emit(h.report); p.emit(h.labels); p.emit(h.options); p.emit(h.copied); p.emit(h.choice); }
}
V1Switch(parse(), verify_(), ingress_(), egress_(), update(), deparse()) main;
