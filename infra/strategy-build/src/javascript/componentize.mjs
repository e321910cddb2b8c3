// Wraps strategy.js and what it imports, with the engine that runs them, into a component.
//
//   node componentize.mjs SOURCE_DIR WIT_DIR WORLD SCRATCH_DIR OUTPUT
//
// The engine runs once while the component is made, and its memory is what the component starts with. Whatever it saw
// then is part of the component's bytes, so it is shown the same paths every time. What it asks the system for is fixed
// in the engine itself, `engine.wasm`.

import childProcess from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [sourceDir, witDir, world, scratchDir, output] = process.argv.slice(2);

// The time of the build becomes the clock of a component whose clock is taken away.
Date.now = () => 0;
// The library draws the name of its working folder.
Math.random = () => 0.5;

// What the engine is told on its input and which folders it sees: under a path that is the same everywhere.
const shown = (text) => text.replaceAll(scratchDir, '/build');
const mounted = (argument) => {
  const folder = argument.startsWith('--dir=') ? argument.slice('--dir='.length) : undefined;
  return folder ? `--mapdir=${shown(folder)}::${folder}` : argument;
};
const { spawnSync } = childProcess;
childProcess.spawnSync = (program, args, options) =>
  spawnSync(program, args.map(mounted), { ...options, input: shown(options.input) });
syncBuiltinESMExports();

// Only now: modules that are loaded take the functions above as they are.
const { componentize } = await import('@bytecodealliance/componentize-js');

try {
  const { component } = await componentize({
    sourcePath: join(sourceDir, 'strategy.js'),
    witPath: witDir,
    worldName: world,
    engine: fileURLToPath(new URL('engine.wasm', import.meta.url)),
    // What is left of the system's interfaces: nothing.
    disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
  });
  await writeFile(output, component);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
