import {imagesOutcome, missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

/** What docker/test/build.sh makes of docker/debian-12/Dockerfile. */
export const debianImage = 'localhost/kontrol-debian';

/** What it makes of alpine-3.5/Dockerfile, on the stand-ins of docker/test/bases.sh. */
export const alpineImage = 'localhost/kontrol-alpine';

/** Whether node:...-alpine is the real one, with Node for musl; else its stand-in has Node for glibc. */
export const hasMuslNode = (process.env.KONTROL_NODE_ALPINE ?? '') !== '';

/** A build takes minutes where the base comes first and others have the processor. */
const BUILD_LIMIT_MS = 20 * 60_000;

/** The options of a suite that runs images: the build may come first. */
export const imageSuite = () => ({
  skip: missing('root', 'netns', 'iptables', 'images'),
  timeout: BUILD_LIMIT_MS + 10 * 60_000,
});

/** Waits for the images that are built beside the suites; throws with the builder's last words when that failed. */
export async function untilBuilt(): Promise<void> {
  const outcome = await waitFor(imagesOutcome, 'the images, built', {timeoutMs: BUILD_LIMIT_MS});
  if (outcome !== 'built') throw new Error(`cannot run the images: ${outcome}`);
}
