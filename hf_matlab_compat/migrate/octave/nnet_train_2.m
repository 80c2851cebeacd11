function paramsp = nnet_train_2(varargin)
% Writes its arguments down instead of training; returns made-up parameters.
  records = getenv('HF_RECORDS');
  number = numel(dir(fullfile(records, '*.mat'))) + 1;
  arguments = varargin;
  uniforms = []; normals = [];
  if isempty(varargin{3}) && isempty(varargin{4}) && isempty(varargin{6})  % it would draw its first parameters
    uniforms = rand(1, 3); normals = randn(1, 3);
  end
  save('-v7', fullfile(records, sprintf('call_%04d.mat', number)), 'arguments', 'uniforms', 'normals');
  sizes = [size(varargin{8}, 1), varargin{14}(:)', size(varargin{9}, 1)];
  psize = sum(sizes(2:end) .* (sizes(1:end-1) + 1));
  paramsp = 0.1 * sin((1:psize)');
  epoch = varargin{7};
  ch = zeros(psize, 1); lambda = 45; totalpasses = 10 * epoch; times = ones(epoch, 1);
  llrecord = -[(1:epoch)', (1:epoch)' + 1]; errrecord = [(1:epoch)', (1:epoch)' + 2]; lambdarecord = 45 * ones(epoch, 1);
  names = {'paramsp', 'ch', 'epoch', 'lambda', 'totalpasses', 'llrecord', 'times', 'errrecord', 'lambdarecord'};
  if ~isempty(varargin{1})
    save('-v7', [varargin{1} '_nnet_running.mat'], names{:});
    save('-v7', [varargin{1} '_nnet_epoch' num2str(epoch) '.mat'], names{:});
  end
end
