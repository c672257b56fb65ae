package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	configv1 "fpisa/test/clients/go/target/configv1"
	p4v1 "fpisa/test/clients/go/target/p4v1"
)

// One controller: a connection of its own, with its stream.
type session struct {
	options    options
	electionID uint64
	connection *grpc.ClientConn
	client     p4v1.P4RuntimeClient
	stream     p4v1.P4Runtime_StreamChannelClient
	arrived    chan *p4v1.StreamMessageResponse
	// Why the stream has ended.
	ended chan error
}

func connect(options options, electionID uint64) *session {
	settings := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// As often as this library allows.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, PermitWithoutStream: true}),
	}
	if options.MaxHeaderBytes > 0 {
		settings = append(settings, grpc.WithMaxHeaderListSize(options.MaxHeaderBytes))
	}
	connection, err := grpc.NewClient("passthrough:///"+options.Address, settings...)
	must(err)
	client := p4v1.NewP4RuntimeClient(connection)
	stream, err := client.StreamChannel(context.Background())
	must(err)
	s := &session{options, electionID, connection, client, stream, make(chan *p4v1.StreamMessageResponse, 1000), make(chan error, 1)}
	go func() {
		for {
			message, err := stream.Recv()
			if err != nil {
				s.ended <- err
				close(s.arrived)
				return
			}
			s.arrived <- message
		}
	}()
	return s
}

func (s *session) election() *p4v1.Uint128 {
	return &p4v1.Uint128{Low: s.electionID}
}

// Asks to become primary, and returns the answer.
func (s *session) arbitrate() any {
	must(s.stream.Send(&p4v1.StreamMessageRequest{Update: &p4v1.StreamMessageRequest_Arbitration{
		Arbitration: &p4v1.MasterArbitrationUpdate{DeviceId: s.options.DeviceID, ElectionId: s.election()},
	}}))
	return s.arbitration()
}

// The next word on who is primary.
func (s *session) arbitration() any {
	update := s.next().GetArbitration()
	return []any{codeName(codes.Code(update.GetStatus().GetCode())), update.GetElectionId().GetLow()}
}

func (s *session) next() *p4v1.StreamMessageResponse {
	select {
	case message, open := <-s.arrived:
		if !open {
			panic(fmt.Errorf("the stream has ended: %w", <-s.ended))
		}
		return message
	case <-time.After(patience):
		panic("no message has come on the stream")
	}
}

func (s *session) setPipeline(cookie uint64) *configv1.P4Info {
	bytes, err := os.ReadFile(s.options.P4Info)
	must(err)
	info := &configv1.P4Info{}
	must(proto.Unmarshal(bytes, info))
	program, err := os.ReadFile(s.options.Program)
	must(err)
	_, err = s.client.SetForwardingPipelineConfig(context.Background(), &p4v1.SetForwardingPipelineConfigRequest{
		DeviceId: s.options.DeviceID, ElectionId: s.election(),
		Action: p4v1.SetForwardingPipelineConfigRequest_VERIFY_AND_COMMIT,
		Config: &p4v1.ForwardingPipelineConfig{
			P4Info: info, P4DeviceConfig: program, Cookie: &p4v1.ForwardingPipelineConfig_Cookie{Cookie: cookie},
		},
	})
	must(err)
	return info
}

func (s *session) getPipeline(kind p4v1.GetForwardingPipelineConfigRequest_ResponseType) *p4v1.ForwardingPipelineConfig {
	response, err := s.client.GetForwardingPipelineConfig(context.Background(), &p4v1.GetForwardingPipelineConfigRequest{
		DeviceId: s.options.DeviceID, ResponseType: kind,
	})
	must(err)
	return response.GetConfig()
}

func (s *session) write(updates ...*p4v1.Update) error {
	_, err := s.client.Write(context.Background(), &p4v1.WriteRequest{
		DeviceId: s.options.DeviceID, ElectionId: s.election(), Updates: updates,
	})
	return err
}

// What a Read has brought.
type answer struct {
	entities []*p4v1.Entity
	messages int
	largest  int
}

func (s *session) request(wanted ...*p4v1.Entity) *p4v1.ReadRequest {
	return &p4v1.ReadRequest{DeviceId: s.options.DeviceID, Entities: wanted}
}

// Calls `between` when the first message has been read, and before the second.
func (s *session) readWith(between func(), wanted ...*p4v1.Entity) (answer, error) {
	call, err := s.client.Read(context.Background(), s.request(wanted...))
	must(err)
	var read answer
	for {
		message, err := call.Recv()
		if err == io.EOF {
			return read, nil
		}
		if err != nil {
			return read, err
		}
		read.entities = append(read.entities, message.GetEntities()...)
		read.messages++
		read.largest = int(math.Max(float64(read.largest), float64(proto.Size(message))))
		if read.messages == 1 {
			between()
		}
	}
}

func (s *session) read(wanted ...*p4v1.Entity) []*p4v1.Entity {
	read, err := s.readWith(func() {}, wanted...)
	must(err)
	return read.entities
}

// Ends the stream as a client should, and returns how the server ended it.
func (s *session) end() any {
	must(s.stream.CloseSend())
	for range s.arrived {
	}
	err := <-s.ended
	must(s.connection.Close())
	if err == io.EOF {
		return "OK"
	}
	return codeName(status.Code(err))
}
