import {type CrowdQuestion, type CrowdSettings, type CrowdTally, crowdIp} from './crowd.ts';
import {createFrontedPod} from './front.ts';
import {helperSettings, serveHelper} from './helper.ts';
import {machine} from './place.ts';

const {masters, count, periodMs} = helperSettings<CrowdSettings>();

const pods = Array.from({length: count}, (_, index) =>
  createFrontedPod({
    ip: crowdIp(index),
    place: machine,
    periodMs,
    endpoints: () => masters,
  }),
);

function tally(): CrowdTally {
  const sums: Record<string, number> = {};
  for (const {answers} of pods) for (const [name, times] of answers) sums[name] = (sums[name] ?? 0) + times;
  return sums;
}

serveHelper<CrowdQuestion, CrowdTally>(async question => {
  if (question.is !== 'tally') {
    const {is, from, to, withinMs = 0} = question;
    const chosen = pods.slice(from, to);
    if (is === 'run') for (const pod of chosen) setTimeout(pod.run, Math.random() * withinMs);
    if (is === 'silence') for (const pod of chosen) pod.silence();
    if (is === 'down') await Promise.all(chosen.map(pod => pod.down()));
  }
  return tally();
});
