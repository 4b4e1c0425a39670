import { TestEnvironment } from 'jest-environment-node';

/**
 * A test environment in which unhandled rejections go to `globalThis.onUnhandledRejection`, where a
 * test has set it, and not to Jest: graphql-js leaves some behind (a list of promises whose other item
 * throws), and they are not what is tested.
 */
export default class extends TestEnvironment {
  #others = [];
  #listener = (error) => {
    const { onUnhandledRejection } = this.global;
    if (onUnhandledRejection === undefined) throw error;
    onUnhandledRejection(error);
  };

  async handleTestEvent(event) {
    if (event.name === 'test_fn_start') {
      this.#others = process.rawListeners('unhandledRejection');
      process.removeAllListeners('unhandledRejection');
      process.on('unhandledRejection', this.#listener);
    } else if (event.name === 'test_fn_success' || event.name === 'test_fn_failure') {
      process.off('unhandledRejection', this.#listener);
      for (const listener of this.#others) process.on('unhandledRejection', listener);
    }
  }
}
