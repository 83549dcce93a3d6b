package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// due is a job that only says when it was meant to run.
type due struct {
	At time.Time `json:"at"`
}

// Kind names the job.
func (due) Kind() string { return "due" }

// clerk works the jobs: it counts a deadline as met when its job starts, before any work is done
// for it.
type clerk struct {
	river.WorkerDefaults[due]
	met *arrivals
}

// Work records that the job's time has come.
func (c *clerk) Work(_ context.Context, job *river.Job[due]) error {
	c.met.add(job.Args.At)
	return nil
}

// keepByRiver schedules a job for every deadline, in River with its default settings.
func keepByRiver(ctx context.Context, db database, o options, met *arrivals) error {
	driver := riverpgxv5.New(db.pool)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &clerk{met: met})
	client, err := river.NewClient(driver, &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 100}}, Workers: workers,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if err := schedule(ctx, client, o); err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return client.StopAndCancel(context.WithoutCancel(ctx))
}

func schedule(ctx context.Context, client *river.Client[pgx.Tx], o options) error {
	jobs := make([]river.InsertManyParams, o.deadlines)
	first := time.Now().Add(lead)
	for i := range jobs {
		at := first.Add(time.Duration(i) * (o.spread / time.Duration(o.deadlines)))
		jobs[i] = river.InsertManyParams{Args: due{at}, InsertOpts: &river.InsertOpts{ScheduledAt: at}}
	}
	_, err := client.InsertMany(ctx, jobs)
	return err
}
