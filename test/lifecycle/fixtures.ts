import {parseManifest} from '../../src/lifecycle/manifest.ts';
import type {Manifest} from '../../src/lifecycle/spec.ts';

/** A manifest from its text. */
export const manifestOf = (text: string): Manifest => parseManifest(text, 'lifecycle.yml');
