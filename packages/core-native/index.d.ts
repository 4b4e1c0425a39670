export * from './native.js';

/**
 * The file that holds the addon for this platform, relative to this package; `NEXT_PUFF_ADDON` names
 * another by its absolute path.
 */
export declare const addonFile: string;

/**
 * Loads the addon into this isolate.
 *
 * @throws the loader's error when the file is missing or was built for another platform.
 */
export declare function loadAddon(): typeof import('./native.js');
