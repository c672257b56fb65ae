package main

import (
	"fmt"
	"sort"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	configv1 "fpisa/test/clients/go/target/configv1"
	p4v1 "fpisa/test/clients/go/target/p4v1"
)

// Ids by the alias of a table, an action and so on, and back.
type names struct {
	id   map[string]uint32
	name map[uint32]string
}

func namesOf(info *configv1.P4Info) names {
	known := names{map[string]uint32{}, map[uint32]string{}}
	add := func(preamble *configv1.Preamble) {
		known.id[preamble.GetAlias()] = preamble.GetId()
		known.name[preamble.GetId()] = preamble.GetAlias()
	}
	for _, each := range info.GetTables() {
		add(each.GetPreamble())
	}
	for _, each := range info.GetActions() {
		add(each.GetPreamble())
	}
	for _, each := range info.GetActionProfiles() {
		add(each.GetPreamble())
	}
	for _, each := range info.GetCounters() {
		add(each.GetPreamble())
	}
	for _, each := range info.GetMeters() {
		add(each.GetPreamble())
	}
	for _, each := range info.GetDigests() {
		add(each.GetPreamble())
	}
	return known
}

func (n names) action(name string, parameters ...byte) *p4v1.Action {
	action := &p4v1.Action{ActionId: n.id[name]}
	for i, value := range parameters {
		action.Params = append(action.Params, &p4v1.Action_Param{ParamId: uint32(i + 1), Value: []byte{value}})
	}
	return action
}

func perform(action *p4v1.Action) *p4v1.TableAction {
	return &p4v1.TableAction{Type: &p4v1.TableAction_Action{Action: action}}
}

func (n names) entry(table string, action *p4v1.TableAction, match ...*p4v1.FieldMatch) *p4v1.TableEntry {
	return &p4v1.TableEntry{TableId: n.id[table], Match: match, Action: action}
}

func exact(value ...byte) *p4v1.FieldMatch {
	return &p4v1.FieldMatch{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Exact_{Exact: &p4v1.FieldMatch_Exact{Value: value}}}
}

func lpm(bits int32, value ...byte) *p4v1.FieldMatch {
	return &p4v1.FieldMatch{FieldId: 1, FieldMatchType: &p4v1.FieldMatch_Lpm{Lpm: &p4v1.FieldMatch_LPM{Value: value, PrefixLen: bits}}}
}

func ternary(field uint32, value, mask []byte) *p4v1.FieldMatch {
	return &p4v1.FieldMatch{FieldId: field, FieldMatchType: &p4v1.FieldMatch_Ternary_{Ternary: &p4v1.FieldMatch_Ternary{Value: value, Mask: mask}}}
}

func optional(field uint32, value ...byte) *p4v1.FieldMatch {
	return &p4v1.FieldMatch{FieldId: field, FieldMatchType: &p4v1.FieldMatch_Optional_{Optional: &p4v1.FieldMatch_Optional{Value: value}}}
}

func between(field uint32, low, high byte) *p4v1.FieldMatch {
	return &p4v1.FieldMatch{FieldId: field, FieldMatchType: &p4v1.FieldMatch_Range_{Range: &p4v1.FieldMatch_Range{Low: []byte{low}, High: []byte{high}}}}
}

// The route number i: one prefix of 48 bits each.
func (n names) route(i int) *p4v1.TableEntry {
	return n.entry("routes", perform(n.action("forward", 2)), lpm(48, 6, 0, 0, 1, byte(i>>8), byte(i)))
}

func entity(of any) *p4v1.Entity {
	switch of := of.(type) {
	case *p4v1.TableEntry:
		return &p4v1.Entity{Entity: &p4v1.Entity_TableEntry{TableEntry: of}}
	case *p4v1.ActionProfileMember:
		return &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileMember{ActionProfileMember: of}}
	case *p4v1.ActionProfileGroup:
		return &p4v1.Entity{Entity: &p4v1.Entity_ActionProfileGroup{ActionProfileGroup: of}}
	case *p4v1.CounterEntry:
		return &p4v1.Entity{Entity: &p4v1.Entity_CounterEntry{CounterEntry: of}}
	case *p4v1.DirectCounterEntry:
		return &p4v1.Entity{Entity: &p4v1.Entity_DirectCounterEntry{DirectCounterEntry: of}}
	case *p4v1.MeterEntry:
		return &p4v1.Entity{Entity: &p4v1.Entity_MeterEntry{MeterEntry: of}}
	case *p4v1.DigestEntry:
		return &p4v1.Entity{Entity: &p4v1.Entity_DigestEntry{DigestEntry: of}}
	}
	panic("no entity")
}

func insert(of any) *p4v1.Update { return &p4v1.Update{Type: p4v1.Update_INSERT, Entity: entity(of)} }
func modify(of any) *p4v1.Update { return &p4v1.Update{Type: p4v1.Update_MODIFY, Entity: entity(of)} }
func remove(of any) *p4v1.Update { return &p4v1.Update{Type: p4v1.Update_DELETE, Entity: entity(of)} }

// Table entries as text, sorted.
func (n names) shown(entities []*p4v1.Entity) []string {
	lines := []string{}
	for _, each := range entities {
		entry := each.GetTableEntry()
		fields := []string{}
		for _, field := range entry.GetMatch() {
			fields = append(fields, shownMatch(field))
		}
		lines = append(lines, fmt.Sprintf("%s {%s} %s %d", n.name[entry.GetTableId()], strings.Join(fields, ", "), n.shownAction(entry.GetAction()), entry.GetPriority()))
	}
	sort.Strings(lines)
	return lines
}

func shownMatch(field *p4v1.FieldMatch) string {
	switch kind := field.GetFieldMatchType().(type) {
	case *p4v1.FieldMatch_Exact_:
		return fmt.Sprintf("%d=%x", field.GetFieldId(), kind.Exact.GetValue())
	case *p4v1.FieldMatch_Lpm:
		return fmt.Sprintf("%d=%x/%d", field.GetFieldId(), kind.Lpm.GetValue(), kind.Lpm.GetPrefixLen())
	case *p4v1.FieldMatch_Ternary_:
		return fmt.Sprintf("%d=%x&%x", field.GetFieldId(), kind.Ternary.GetValue(), kind.Ternary.GetMask())
	case *p4v1.FieldMatch_Optional_:
		return fmt.Sprintf("%d=%x?", field.GetFieldId(), kind.Optional.GetValue())
	case *p4v1.FieldMatch_Range_:
		return fmt.Sprintf("%d=%x..%x", field.GetFieldId(), kind.Range.GetLow(), kind.Range.GetHigh())
	}
	return "?"
}

func (n names) shownCall(action *p4v1.Action) string {
	values := []string{}
	for _, parameter := range action.GetParams() {
		values = append(values, fmt.Sprintf("%x", parameter.GetValue()))
	}
	return fmt.Sprintf("%s(%s)", n.name[action.GetActionId()], strings.Join(values, ", "))
}

func (n names) shownAction(action *p4v1.TableAction) string {
	switch kind := action.GetType().(type) {
	case *p4v1.TableAction_Action:
		return n.shownCall(kind.Action)
	case *p4v1.TableAction_ActionProfileMemberId:
		return fmt.Sprintf("member %d", kind.ActionProfileMemberId)
	case *p4v1.TableAction_ActionProfileGroupId:
		return fmt.Sprintf("group %d", kind.ActionProfileGroupId)
	case *p4v1.TableAction_ActionProfileActionSet:
		set := []string{}
		for _, each := range kind.ActionProfileActionSet.GetActionProfileActions() {
			set = append(set, fmt.Sprintf("%s*%d", n.shownCall(each.GetAction()), each.GetWeight()))
		}
		return "any of " + strings.Join(set, ", ")
	}
	return "nothing"
}

// What a call ended with: null if all is well.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// One for each update, in order; empty if the server sent no details.
	Updates []string `json:"updates"`
}

func failed(err error) any {
	if err == nil {
		return nil
	}
	seen := failure{codeName(status.Code(err)), status.Convert(err).Message(), []string{}}
	for _, detail := range status.Convert(err).Details() {
		if update, ok := detail.(*p4v1.Error); ok {
			seen.Updates = append(seen.Updates, codeName(codes.Code(update.GetCanonicalCode())))
		} else {
			seen.Updates = append(seen.Updates, "?")
		}
	}
	return seen
}

// As the specification writes it, which this library does not.
func codeName(code codes.Code) string {
	return map[codes.Code]string{
		codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT",
		codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
		codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
		codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.OutOfRange: "OUT_OF_RANGE",
		codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE",
	}[code]
}
