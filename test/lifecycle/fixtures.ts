import {type Manifest, parseManifest} from '../../src/lifecycle/manifest.ts';

/** A manifest from its text. */
export const manifestOf = (text: string): Manifest => parseManifest(text, 'lifecycle.yml');
