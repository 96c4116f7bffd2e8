import {type ChildJob, type ChildJobPorts, superviseChild} from './child-job.ts';
import type {JobHandle} from './handle.ts';
import {type JobRecordPorts, openJobRecords} from './job-records.ts';
import type {JobSpec} from './spec.ts';

export interface JobsPorts extends Omit<ChildJobPorts, 'cleared' | 'onChange'>, JobRecordPorts {}

/** The jobs of `lifecycle.yml`, all but HAProxy. */
export interface Jobs {
  readonly all: readonly JobHandle[];
  find(name: string): ChildJob | undefined;
  /** Starts those with `autostart`; does not wait for them. */
  autostart(): void;
  /** Stops all of them. */
  close(): Promise<void>;
}

/** Has them ready to be started; ends what an earlier daemon left of them, which their starts wait for and nobody else. */
export function openJobs(specs: readonly JobSpec[], ports: JobsPorts): Jobs {
  const records = openJobRecords(ports);
  const cleared = records.endLeftovers();
  const running = () =>
    jobs.flatMap(({pid, spec}) => (pid === undefined ? [] : [{job: spec.name, pid, stopWaitMs: spec.stopWaitMs}]));
  const jobs: ChildJob[] = specs.map(spec =>
    superviseChild(spec, {...ports, cleared, onChange: () => void records.write(running)}),
  );
  return {
    all: jobs,
    find: name => jobs.find(job => job.name === name),
    autostart() {
      for (const job of jobs) if (job.spec.autostart) void job.start();
    },
    async close() {
      await cleared;
      await Promise.all(jobs.map(job => job.stop()));
      await records.write(running);
    },
  };
}
