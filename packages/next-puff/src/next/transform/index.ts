export { type TransformInput, type TransformOptions, transform } from './transform.js';
