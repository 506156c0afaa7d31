// Runs the tests without a database for Stryker in one process that stays: no file is read again for a mutant, so that one takes
// milliseconds where a start of vitest takes a second or two.
import { globSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin'
import {
  determineHitLimitReached,
  type DryRunOptions,
  type DryRunResult,
  DryRunStatus,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner'
import type { InstrumenterContext } from '@stryker-mutator/api/core'
import type { CollectedTest } from './collecting.ts'
import { TEST_FILES } from './test-files.ts'

const instrumented: InstrumenterContext = {}
Object.assign(globalThis, { __stryker__: instrumented })

class CollectingRunner implements TestRunner {
  private collected: readonly CollectedTest[] | undefined

  capabilities() {
    return { reloadEnvironment: false }
  }

  async dryRun(_options: DryRunOptions): Promise<DryRunResult> {
    return this.run(await this.load(), true)
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    if (options.mutantActivation === 'static') instrumented.activeMutant = options.activeMutant.id
    const all = await this.load()
    const filter = options.testFilter === undefined ? undefined : new Set(options.testFilter)
    instrumented.activeMutant = options.activeMutant.id
    if (options.hitLimit === undefined) delete instrumented.hitLimit
    else Object.assign(instrumented, { hitCount: 0, hitLimit: options.hitLimit })
    const tests = filter === undefined ? all : all.filter((test) => filter.has(test.name))
    return toMutantRunResult(await this.run(tests, options.disableBail))
  }

  private async load(): Promise<readonly CollectedTest[]> {
    if (this.collected !== undefined) return this.collected
    const collecting = pathToFileURL(join(import.meta.dirname, 'collecting.ts')).href
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === 'vitest' && context.parentURL !== collecting
          ? { url: collecting, shortCircuit: true }
          : next(specifier, context),
    })
    const { tests }: { readonly tests: readonly CollectedTest[] } = await import(collecting)
    for (const file of globSync([...TEST_FILES]).sort()) await import(pathToFileURL(join(process.cwd(), file)).href)
    this.collected = tests
    return tests
  }

  private async run(tests: readonly CollectedTest[], all: boolean): Promise<DryRunResult> {
    const results: TestResult[] = []
    for (const { name, run } of tests) {
      instrumented.currentTestId = name
      const began = process.hrtime.bigint()
      const failure = await failureOf(run)
      const test = { id: name, name, timeSpentMs: Number(process.hrtime.bigint() - began) / 1e6 }
      const endless = determineHitLimitReached(instrumented.hitCount, instrumented.hitLimit)
      if (endless !== undefined) return endless
      if (failure === undefined) results.push({ ...test, status: TestStatus.Success })
      else results.push({ ...test, status: TestStatus.Failed, failureMessage: failure })
      if (failure !== undefined && !all) break
    }
    delete instrumented.currentTestId
    const { mutantCoverage } = instrumented
    return {
      status: DryRunStatus.Complete,
      tests: results,
      ...(mutantCoverage === undefined ? {} : { mutantCoverage }),
    }
  }
}

async function failureOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'failed'
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'collecting', CollectingRunner)]
