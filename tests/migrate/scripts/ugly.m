clear all; close all, clc
addpath('/usr/local/jacket/engine'); warning off
compMode='cpu_single'
%{
compMode='jacket';
gpuDevice(2);
%}
if strcmp(compMode,'jacket') jacket=1; gpuDevice(1); else jacket=0; end
%jacket=1;
  seed=1234;randn('state',seed );rand('twister',seed+1 );
tmp=load('curves.mat');X=tmp.bdata';clear tmp;
[d n]=size(X)
N=2*floor(n/2);X=X(:,1:N);
lab=mod(0:N-1,3)';
T=zeros(3,N);for i=1:N,T(lab(i)+1,i)=1;end
%T=2*T-1;
p=randperm(N);X=X(:,p);T=T(:,p);
nt=N/2;                        % half of them
switch compMode
  case {'jacket','gpu'}
    numchunks=1;
  case 'cpu_single'   % the usual one
    numchunks=2;
  otherwise
    numchunks=4;
end
Xt=X(:,nt+1:end);Tt=T(:,nt+1:end);X(:,nt+1:end)=[];T=T(:,1:nt);
ls=[ 8, ... first
     6 ... second
     4 ];
lt={'logistic','logistic',...
    'tanh',... a comment in between
    'softmax'};
try
  paramsp=nnet_train_2('ugly',['ugly ' num2str(seed) ' ' num2str(0.5)],[],[],[],[],2,X,T,numchunks,Xt,Tt,1,ls,lt,'gn',0,'class',1,2e-5,.95,jacket);
catch err
  disp(err.message)
end
ans_norm = sqrt(sum(paramsp.^2))
x.a=[1 2;3 4]; x.b={1,'two'};
q=x.a(2,1)+x.b{1}
