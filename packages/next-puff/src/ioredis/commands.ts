import { list } from '@ioredis/commands';
import { takeCallback } from './callbacks.js';
import { Command, type CommandOptions } from './command.js';
import type { Script } from './script.js';

/** What has commands as methods: a client, or a pipeline. */
export interface CommandSender {
  readonly options: CommandSenderOptions;
  /** Sends a command, or keeps it for later; answers what the method answers. */
  sendCommand(command: Command): unknown;
}

/** The options that a sender's commands are made with. */
export interface CommandSenderOptions {
  keyPrefix?: string | Buffer | undefined;
  showFriendlyErrorStack?: boolean | undefined;
}

/** The commands that are methods, in lower case. */
export const COMMANDS: readonly string[] = [
  ...list.filter((name) => name !== 'monitor'),
  'sentinel',
];

/**
 * Gives a class its commands as methods: each in lower case, and with `Buffer` at its end for replies in bytes. Methods that
 * the class has itself stay.
 */
export function installCommands(prototype: object): void {
  const methods: Record<string, unknown> = {
    call: callMethod(false),
    callBuffer: callMethod(true),
    send_command: callMethod(false),
  };
  for (const name of COMMANDS) Object.assign(methods, commandMethods(name));
  for (const [name, method] of Object.entries(methods)) {
    if (!Object.hasOwn(prototype, name)) defineMethod(prototype, name, method);
  }
}

/** Adds the two methods of a command to an object. */
export function defineCommandMethods(target: object, name: string): void {
  for (const [key, method] of Object.entries(commandMethods(name))) {
    defineMethod(target, key, method);
  }
}

/** Adds the two methods of a Lua script to an object. */
export function defineScriptMethods(target: object, name: string, script: Script): void {
  defineMethod(target, name, scriptMethod(script, false));
  defineMethod(target, `${name}Buffer`, scriptMethod(script, true));
}

/** A function that sends a command with `this` as its sender. */
export function commandMethod(name: string, buffers: boolean) {
  return function send(this: CommandSender, ...args: unknown[]): unknown {
    const callback = takeCallback(args);
    return this.sendCommand(new Command(name, args, optionsOf(this, buffers), callback));
  };
}

function commandMethods(name: string): Record<string, unknown> {
  return { [name]: commandMethod(name, false), [`${name}Buffer`]: commandMethod(name, true) };
}

function callMethod(buffers: boolean) {
  return function call(this: CommandSender, ...args: unknown[]): unknown {
    const callback = takeCallback(args);
    const [name, ...rest] = args.flat();
    return this.sendCommand(new Command(String(name), rest, optionsOf(this, buffers), callback));
  };
}

function scriptMethod(script: Script, buffers: boolean) {
  return function run(this: CommandSender, ...args: unknown[]): unknown {
    const callback = takeCallback(args);
    const options = { ...optionsOf(this, buffers), script };
    const tail = script.arguments(args.flat());
    return this.sendCommand(new Command('evalsha', tail, options, callback));
  };
}

function optionsOf(sender: CommandSender, buffers: boolean): CommandOptions {
  const { keyPrefix, showFriendlyErrorStack } = sender.options;
  return { buffers, keyPrefix, calledAt: showFriendlyErrorStack ? new Error() : undefined };
}

function defineMethod(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true });
}
