import {type ChildJob, type ChildJobPorts, superviseChild} from './child-job.ts';
import type {JobHandle} from './handle.ts';
import {type JobRecordPorts, openJobRecords} from './job-records.ts';
import type {JobSpec} from './spec.ts';

export interface JobsPorts extends Omit<ChildJobPorts, 'onChange'>, JobRecordPorts {}

/** The jobs of `lifecycle.yml`, all but HAProxy. */
export interface Jobs {
  readonly all: readonly JobHandle[];
  find(name: string): ChildJob | undefined;
  /** Starts those with `autostart`; does not wait for them. */
  autostart(): void;
  /** Stops all of them. */
  close(): Promise<void>;
}

/** Ends what an earlier daemon left of them, then has them ready to be started. */
export async function openJobs(specs: readonly JobSpec[], ports: JobsPorts): Promise<Jobs> {
  const records = openJobRecords(ports);
  await records.endLeftovers();
  const running = () =>
    jobs.flatMap(({pid, spec}) => (pid === undefined ? [] : [{job: spec.name, pid, stopWaitMs: spec.stopWaitMs}]));
  const jobs: ChildJob[] = specs.map(spec =>
    superviseChild(spec, {...ports, onChange: () => void records.write(running)}),
  );
  return {
    all: jobs,
    find: name => jobs.find(job => job.name === name),
    autostart() {
      for (const job of jobs) if (job.spec.autostart) void job.start();
    },
    async close() {
      await Promise.all(jobs.map(job => job.stop()));
      await records.write(running);
    },
  };
}
