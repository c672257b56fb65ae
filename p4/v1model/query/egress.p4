/* Everything leaves as ingress produced it. */
control QueryEgress(inout headers_t hdr,
                    inout meta_t meta,
                    inout standard_metadata_t standard_metadata) {
    apply {
    }
}
