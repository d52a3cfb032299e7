# make              set up a virtual environment and run the main job: train, score card, picture
# make test         set up and run the tests, all but the slow ones: three minutes on two cores
# make test-all     these, the slow ones, and every notebook from top to bottom: twenty minutes
# make notebooks    open the course in Jupyter
# make figures      draw the report's figures from the committed checkpoints
# make results      collect the report's numbers from the committed checkpoints, in report/results.json
# make report       build report/report.pdf and report/beyond.pdf from the numbers and the figures
# make execute      run all notebooks and save them with their outputs
# make measurements measure the three small systems, errors, guidance, information, bugs, likelihood, digits (hours: it trains runs that are not committed)
# make samplers     quality against network calls for every sampler, two pixels and MNIST (more than two hours)
# make bench        speed beside baselines, in one run
# make bench-mnist  quality on MNIST beside other libraries after the same 20 minutes each (two hours with their digits)
# make bench-page   how quickly the page answers, in Chromium
# make settings     train all settings that the defaults were chosen from, and what might be better (two hours)
# make handout      what students of the homework get, in build/handout and build/handout.zip
# make grade        grade a submission of the homework: make grade SUBMISSION=folder
# make autograder   the grader as a zip for Gradescope, in build/autograder.zip
# make zoo          put every known bug into the code: is it graded and named, do its tests go red? (two minutes)
# make web          build the page and show it at a local address: a diffusion model to play with (the first time five minutes)
# make web-test     try the page in Chromium (test-all does so, too)
# make site         build the page with the course around it as a website, in web/dist, and show it
# make lint         check the style and the order of imports, as CI does

PYTHON ?= python3
BIN := .venv/bin
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)  # Jupyter asks for it, as in a container
export OMP_WAIT_POLICY := PASSIVE

.PHONY: train test test-all lint notebooks figures results report execute measurements samplers bench bench-mnist settings handout grade autograder zoo web web-test site bench-page clean

train: .venv/ready
	$(BIN)/python train.py --T 50

test: .venv/ready
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-all: test .venv/web
	$(BIN)/python -m web.site
	$(BIN)/python -m pytest -n auto --dist loadfile -m slow
	$(BIN)/python -m pytest -n auto --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout 300 notebooks

notebooks: .venv/ready
	$(BIN)/jupyter lab $(AS_ROOT) notebooks

execute: .venv/ready
	TQDM_DISABLE=1 $(BIN)/jupyter nbconvert --to notebook --execute --ExecutePreprocessor.record_timing=False --inplace notebooks/*.ipynb notebooks/solutions/*.ipynb

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/tach check

figures: .venv/ready
	$(BIN)/python -m figures

results: .venv/ready
	$(BIN)/python -m report.results

report: .venv/ready
	$(BIN)/python -m report.build

measurements: .venv/ready
	$(BIN)/python -m measurements

samplers: .venv/ready
	$(BIN)/python -m measurements.samplers

bench: .venv/ready
	$(BIN)/pip install --quiet --no-deps -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.two_pixel --full --json benchmarks/two_pixel.json

bench-mnist: .venv/ready
	$(BIN)/pip install --quiet --no-deps -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.mnist --json benchmarks/mnist.json

handout: .venv/ready
	$(BIN)/python -m homework.handout

grade: .venv/ready
	@$(BIN)/python -m homework.grade $(SUBMISSION)

autograder: .venv/ready
	$(BIN)/python -m homework.autograder

zoo: .venv/ready
	$(BIN)/python -m homework.zoo

web: .venv/web
	$(BIN)/python -m web.build --serve

web-test: .venv/web
	$(BIN)/python -m web.site
	$(BIN)/python -m pytest -n auto tests/web

site: .venv/web
	$(BIN)/python -m web.site --serve

bench-page: .venv/web
	$(BIN)/python -m web.build
	$(BIN)/python -m web.speed

settings: .venv/ready
	$(BIN)/python -m measurements.settings
	$(BIN)/python -m measurements.training

.venv/ready: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install -r requirements.txt
	touch $@

.venv/web: web/requirements.txt .venv/ready
	$(BIN)/pip install --quiet -r web/requirements.txt
	touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache build web/dist web/public web/node_modules web/node_modules.txt
